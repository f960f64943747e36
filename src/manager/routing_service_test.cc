#include "manager/routing_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "manager/fake_planner.h"

namespace pensieve {
namespace {

InstalledModel model_of(std::string id, std::int64_t context) {
  return {.id = std::move(id), .architecture = "llama", .file_bytes = 100'000'000, .parameters = 135'000'000, .context_length = context};
}

// "auto" leaves the choice to the server; any other name is an id.
class Directory final : public ModelDirectory {
 public:
  Result<ResolvedName> resolve(std::string_view name) override {
    if (name == "auto") return ResolvedName{.id = models_.front().id, .fixed = false, .automatic = "auto"};
    return ResolvedName{.id = std::string(name)};
  }
  std::vector<InstalledModel> models() override { return models_; }
  std::vector<SkippedFile> skipped() override { return {}; }

 private:
  std::vector<InstalledModel> models_ = {model_of("narrow", 2048), model_of("wide", 8192), model_of("middle", 4096)};
};

// Knows the models of the directory; answers nothing.
class Silent final : public GenerationService {
 public:
  explicit Silent(ModelDirectory& directory) {
    for (const InstalledModel& model : directory.models()) {
      status_.models.push_back({.id = model.id, .file_bytes = model.file_bytes, .context_tokens = model.context_length});
    }
  }
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest) override {
    co_return fail(ErrorCode::kInternal, "silent");
  }
  boost::asio::awaitable<bool> settled(std::string, std::chrono::milliseconds) override { co_return true; }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest) override { co_return 0; }
  boost::asio::awaitable<Result<void>> load(std::string) override { co_return Result<void>(); }
  boost::asio::awaitable<Result<void>> unload(std::string) override { co_return Result<void>(); }
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest) override { co_return Embeddings{}; }
  [[nodiscard]] Result<ModelStatus> find(std::string_view) const override { return status_.models.front(); }
  [[nodiscard]] ServiceStatus status() const override { return status_; }

 private:
  ServiceStatus status_;
};

class Routing : public testing::Test {
 protected:
  static GenerationRequest request(std::string model, std::size_t words) {
    GenerationRequest request{.id = "r1", .model = std::move(model)};
    std::string text;
    for (std::size_t i = 0; i < words; ++i) text += "word ";
    request.messages = {{.role = Role::kUser, .text = text}};
    return request;
  }

  SystemClock clock;
  Directory directory;
  Silent service{directory};
  FakePlanning planning;
  RoutingService routing{service, directory, clock, {.policy = {}, .defaults = {}, .planner = planning.planner}};
};

TEST_F(Routing, PutsTheChosenModelInThePlaceOfAuto) {
  GenerationRequest asked = request("auto", 3);
  ASSERT_TRUE(routing.choose(asked));
  EXPECT_NE(asked.model, "auto");
}

TEST_F(Routing, LeavesANamedModelAlone) {
  GenerationRequest asked = request("narrow", 20'000);
  ASSERT_TRUE(routing.choose(asked));
  EXPECT_EQ(asked.model, "narrow");
}

TEST_F(Routing, APromptThatSeemsTooLongForAllGoesToTheWidestContextToBeCounted) {
  GenerationRequest asked = request("auto", 20'000);
  ASSERT_TRUE(routing.choose(asked));
  EXPECT_EQ(asked.model, "wide");
}

}  // namespace
}  // namespace pensieve
