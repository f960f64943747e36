#include "api/ollama/pulls.h"

#include <atomic>
#include <format>
#include <mutex>
#include <thread>
#include <utility>

namespace pensieve::api::ollama {

struct Pull::Shared {
  std::mutex mutex;
  PullState state;
  std::atomic<bool> stopped = false;
};

Pull::~Pull() { shared_->stopped = true; }

PullState Pull::state() const {
  const std::scoped_lock lock(shared_->mutex);
  return shared_->state;
}

namespace {

void run(const std::vector<DownloadFile>& files, Pull::Shared& shared) {
  const auto result = download_all(files, [&shared](const DownloadProgress& progress) {
    const std::scoped_lock lock(shared.mutex);
    shared.state.done = progress.done.value;
    shared.state.total = progress.total.value;
    return !shared.stopped;
  });
  const std::scoped_lock lock(shared.mutex);
  shared.state.ended = true;
  if (!result) shared.state.failure = result.error();
}

}  // namespace

Result<std::shared_ptr<Pull>> Pulls::begin(const PullPlan& plan) {
  std::erase_if(running_, [](const auto& entry) { return entry.second.thread.expired(); });
  const std::string key = plan.files.front().destination.string();
  if (const auto found = running_.find(key); found != running_.end()) {
    if (std::shared_ptr<Pull> pull = found->second.pull.lock()) return pull;
    return fail(ErrorCode::kOverloaded, "an earlier download of this model is just ending", "try again in a few seconds");
  }
  if (running_.size() >= kAtOnce) {
    return fail(ErrorCode::kOverloaded, std::format("{} downloads run already", kAtOnce), "try again when one is done");
  }
  const auto shared = std::make_shared<Pull::Shared>();
  std::thread([shared, files = plan.files] { run(files, *shared); }).detach();
  auto pull = std::make_shared<Pull>(shared);
  running_[key] = {pull, shared};
  return pull;
}

}  // namespace pensieve::api::ollama
