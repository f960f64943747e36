#include "manager/adapter_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pensieve {
namespace {

class Directory final : public ModelDirectory {
 public:
  Result<ResolvedName> resolve(std::string_view name) override { return ResolvedName{.id = std::string(name)}; }
  std::vector<InstalledModel> models() override { return {}; }
  std::vector<SkippedFile> skipped() override { return {}; }
  std::vector<InstalledAdapter> adapters() override {
    return {{.name = "sql", .model = "base", .path = "/a/sql.gguf", .scale = 0.8, .domains = {"code"}},
            {.name = "tone", .model = "base", .path = "/a/tone.gguf"},
            {.name = "far", .model = "other", .path = "/a/far.gguf"}};
  }
};

class AdapterChoice : public testing::Test {
 protected:
  Result<void> resolve(std::vector<AdapterUse> asked, std::vector<std::string> named) {
    request.adapters = std::move(asked);
    return resolve_adapters(request, {.id = "base", .adapters = std::move(named)}, directory);
  }
  Directory directory;
  GenerationRequest request;
};

TEST_F(AdapterChoice, JoinsTheNameWithTheListWhoseScaleCounts) {
  ASSERT_TRUE(resolve({{.name = "sql", .scale = 0.25}}, {"sql", "tone"}));
  EXPECT_THAT(request.adapters, testing::ElementsAre(AdapterUse{"sql", 0.25, "/a/sql.gguf"}, AdapterUse{"tone", 1.0, "/a/tone.gguf"}));
  ASSERT_TRUE(resolve({}, {"sql"}));
  EXPECT_EQ(request.adapters.front().scale, 0.8);
  EXPECT_EQ(name_with_adapters("base", request.adapters), "base+sql");
  ASSERT_TRUE(resolve({}, {}));
  EXPECT_TRUE(request.adapters.empty());
}

TEST_F(AdapterChoice, RefusesUnknownForeignDoubleAndTooMany) {
  EXPECT_EQ(resolve({{.name = "sq"}}, {}).error().message, "adapter 'sq' is not installed");
  EXPECT_EQ(resolve({{.name = "far"}}, {}).error().message, "adapter 'far' is for the model 'other', not for 'base'");
  EXPECT_EQ(resolve({{.name = "sql"}, {.name = "sql"}}, {}).error().message, "adapter 'sql' is named twice");
  EXPECT_EQ(resolve(std::vector<AdapterUse>(9, {.name = "sql"}), {}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AdapterChoice, AnotherModelAnswersWithoutThem) {
  ASSERT_TRUE(resolve({}, {"sql", "tone"}));
  drop_foreign_adapters(request, "base", directory);
  EXPECT_EQ(request.adapters.size(), 2U);
  drop_foreign_adapters(request, "other", directory);
  EXPECT_TRUE(request.adapters.empty());
}

TEST_F(AdapterChoice, AnAdapterWithDomainsIsAModelOfItsOwnThatIsBetterThere) {
  selector::FleetModel model{.id = "base"};
  model.abilities.fill(0.4);
  selector::FleetSnapshot fleet;
  add_specialists(model, directory.adapters(), fleet);
  ASSERT_EQ(fleet.models.size(), 1U);
  EXPECT_EQ(fleet.models[0].id, "base+sql");
  EXPECT_DOUBLE_EQ(fleet.models[0].abilities[static_cast<std::size_t>(selector::Domain::kCode)], 0.7);
  EXPECT_LT(fleet.models[0].abilities[static_cast<std::size_t>(selector::Domain::kMath)], 0.4);
}

}  // namespace
}  // namespace pensieve
