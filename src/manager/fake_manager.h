// For tests: a ModelManager on fakes, and requests that run beside each other on a loop that only
// moves when the test says so.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "manager/fake_planner.h"
#include "manager/fake_worker.h"
#include "manager/model_manager.h"

namespace pensieve {

// Models by name alone; `auto` leads to the first.
class FakeDirectory final : public ModelDirectory {
 public:
  void add(const std::string& id, Bytes size) {
    InstalledModel model;
    model.id = id;
    model.path = "/proc/self/exe";  // a file that exists
    model.file_bytes = size.value;
    model.context_length = 4096;
    models_.push_back(model);
  }
  Result<ResolvedName> resolve(std::string_view name) override {
    if (name == "auto" && !models_.empty()) return ResolvedName{models_.front().id, false};
    for (const InstalledModel& model : models_) {
      if (model.id == name) return ResolvedName{model.id, true};
    }
    return fail(ErrorCode::kNotFound, "model '" + std::string(name) + "' is not installed", "", "model");
  }
  std::vector<InstalledModel> models() override { return models_; }
  std::vector<SkippedFile> skipped() override { return {}; }

  void remove(std::string_view id) {
    std::erase_if(models_, [&](const InstalledModel& model) { return model.id == id; });
  }
  InstalledModel& at(std::string_view id) { return *std::ranges::find(models_, id, &InstalledModel::id); }

 private:
  std::vector<InstalledModel> models_;
};

// What became of a call that runs on the loop.
template <typename T>
struct Outcome {
  std::optional<T> value;
  std::exception_ptr thrown;
  boost::asio::cancellation_signal cancel;
  [[nodiscard]] bool done() const { return value || thrown; }
};

class ManagerFixture : public testing::Test {
 protected:
  using Generated = Result<std::unique_ptr<GenerationStream>>;

  ManagerFixture() {
    config_.engine.spare_worker = false;
    config_.engine.switch_wait_ms = 0;
  }
  ~ManagerFixture() override {
    if (!manager_) return;
    run(manager_->stop());
  }

  ModelManager& manager() {
    if (!manager_) {
      planner_.emplace(config_, memory_, ledger_);
      manager_ = std::make_unique<ModelManager>(
          loop_.get_executor(), config_,
          ModelManager::Dependencies{directory_, *planner_, ledger_, clock_, workers_, std::chrono::milliseconds(1)});
    }
    return *manager_;
  }

  // Runs everything that can run now.
  void settle() {
    loop_.restart();
    loop_.poll();
  }

  template <typename T>
  std::shared_ptr<Outcome<T>> spawn(boost::asio::awaitable<T> call) {
    auto outcome = std::make_shared<Outcome<T>>();
    boost::asio::co_spawn(loop_, std::move(call),
                          boost::asio::bind_cancellation_slot(outcome->cancel.slot(), [outcome](std::exception_ptr thrown, T value) {
                            outcome->thrown = thrown;
                            if (!thrown) outcome->value = std::move(value);
                          }));
    settle();
    return outcome;
  }
  void run(boost::asio::awaitable<void> call) {
    boost::asio::co_spawn(loop_, std::move(call), boost::asio::detached);
    settle();
  }
  // Runs the loop until housekeeping, which comes every millisecond, has been done at least twice.
  void pass_housekeeping() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(10);
    loop_.restart();
    while (std::chrono::steady_clock::now() < end) loop_.run_one_until(end);
  }
  // Runs the loop, timers included, until `condition` holds; a failure after 10 s.
  template <typename Condition>
  void run_until(Condition condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    loop_.restart();
    while (!condition() && std::chrono::steady_clock::now() < give_up) loop_.run_one_until(give_up);
    EXPECT_TRUE(condition());
  }

  std::shared_ptr<Outcome<Generated>> ask(const std::string& model) {
    GenerationRequest request;
    request.model = model;
    return spawn(manager().generate(std::move(request)));
  }
  std::shared_ptr<Outcome<std::optional<GenerationEvent>>> next(GenerationStream& stream) {
    return spawn(stream.next(std::chrono::hours(1)));
  }
  // Answers the load that runs for `id`.
  void finish_load(const std::string& id) {
    ASSERT_TRUE(workers_.of(id)) << id << " is not being loaded";
    workers_.of(id)->finish_load();
    settle();
  }
  void load(const std::string& id) {
    const auto outcome = spawn(manager().load(id));
    finish_load(id);
    ASSERT_TRUE(outcome->done() && *outcome->value);
  }
  // Ends a request's stream, as an answer that was taken whole does.
  void end(const std::shared_ptr<Outcome<Generated>>& request) {
    request->value.reset();
    settle();
  }
  static bool answered(const std::shared_ptr<Outcome<Generated>>& request) { return request->value && request->value->has_value(); }
  ModelStatus status(const std::string& id) { return manager().find(id).value_or(ModelStatus{}); }

  boost::asio::io_context loop_{1};
  Config config_;
  FakeDirectory directory_;
  FakeMachine memory_;
  ManualClock clock_;
  PerformanceLedger ledger_{nullptr, "made up", clock_};
  std::optional<ModelPlanner> planner_;
  FakeWorkers workers_{loop_.get_executor()};
  std::unique_ptr<ModelManager> manager_;
};

}  // namespace pensieve
