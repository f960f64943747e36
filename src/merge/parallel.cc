#include "merge/parallel.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace pensieve::merge {

Result<void> for_each_piece(std::size_t pieces, std::size_t workers, const std::function<Result<void>(std::size_t, std::size_t)>& work) {
  workers = std::max<std::size_t>(1, std::min(workers, pieces));
  std::atomic<std::size_t> next = 0;
  std::vector<std::optional<Error>> errors(workers);
  const auto run = [&](std::size_t worker) {
    for (std::size_t piece = next++; piece < pieces; piece = next++) {
      const Result<void> done = work(piece, worker);
      if (done) continue;
      errors[worker] = done.error();
      next = pieces;
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      for (std::size_t worker = 1; worker < workers; ++worker) threads.emplace_back(run, worker);
    } catch (const std::system_error&) {
      // No further thread is to be had: those that there are do the work.
    }
    run(0);
  }
  for (std::optional<Error>& error : errors) {
    if (error) return std::unexpected(std::move(*error));
  }
  return {};
}

}  // namespace pensieve::merge
