// Downloads that run while the server serves, each on a thread of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "catalog/pull_plan.h"

namespace pensieve::api::ollama {

struct PullState {
  std::int64_t done = 0;
  std::int64_t total = 0;  // 0: not known yet
  bool ended = false;
  std::optional<Error> failure;
};

// One download. Destroying it asks it to stop and waits for nothing: the loop must go on while a far
// server is silent. What came is kept for the next try.
class Pull {
 public:
  struct Shared;  // with its thread

  explicit Pull(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~Pull();
  Pull(const Pull&) = delete;
  Pull& operator=(const Pull&) = delete;
  [[nodiscard]] PullState state() const;

 private:
  std::shared_ptr<Shared> shared_;
};

// Used from the supervisor's loop only.
class Pulls {
 public:
  static constexpr std::size_t kAtOnce = 4;

  // Begins the download, or joins the one of the same files: it lives as long as anyone holds it.
  // Error kOverloaded: too many run, or one of these files has not ended yet.
  Result<std::shared_ptr<Pull>> begin(const PullPlan& plan);

 private:
  struct Running {
    std::weak_ptr<Pull> pull;
    std::weak_ptr<Pull::Shared> thread;
  };
  std::map<std::string, Running> running_;  // by the first file
};

}  // namespace pensieve::api::ollama
