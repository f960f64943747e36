#include "manager/worker_environment.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <format>
#include <string_view>

namespace pensieve {
namespace {

constexpr std::string_view kSpins = "GOMP_SPINCOUNT=";
constexpr std::string_view kWaitPolicy = "OMP_WAIT_POLICY=";

// As libgomp's cpu_relax(): some hundred cycles on newer x86, nothing on others.
void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

std::chrono::nanoseconds time_of(std::int64_t passes) {
  const std::atomic<int> watched = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < passes && watched.load(std::memory_order_relaxed) == 0; ++i) relax();
  return std::chrono::steady_clock::now() - begin;
}

}  // namespace

std::vector<std::string> worker_environment(std::vector<std::string> environment, std::int64_t passes) {
  const bool chosen = std::ranges::any_of(
      environment, [](std::string_view variable) { return variable.starts_with(kSpins) || variable.starts_with(kWaitPolicy); });
  if (!chosen) environment.push_back(std::format("{}{}", kSpins, passes));
  return environment;
}

// The shortest of several tries, as the thread may lose its core in any of them.
std::int64_t waiting_passes(std::chrono::nanoseconds duration) {
  constexpr std::int64_t kPasses = 1000;
  constexpr int kTries = 5;
  std::chrono::nanoseconds shortest = std::chrono::nanoseconds::max();
  for (int i = 0; i < kTries; ++i) shortest = std::min(shortest, time_of(kPasses));
  return std::max<std::int64_t>(1, duration * kPasses / std::max(shortest, std::chrono::nanoseconds(1)));
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

}  // namespace pensieve
