// Merges one tensor after another, each in pieces on all cores, so that memory stays a few megabytes a
// core whatever a tensor's size. SLERP reads a tensor twice: once for its angle, once for the result.
// Results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "merge/lora_delta.h"
#include "merge/plan.h"

namespace pensieve::merge {

class TensorMerger {
 public:
  // Writes bytes at a place in the output's data; called from several threads, for disjoint places.
  using Sink = std::function<Result<void>(std::uint64_t offset, std::span<const char> bytes)>;
  // Told on the calling thread how many bytes of the output's data were made; false ends the merge.
  using Tick = std::function<bool(std::uint64_t bytes)>;

  // `inputs` must outlive it.
  TensorMerger(const Inputs& inputs, std::size_t threads);

  // Error kInvalidArgument if the tensor holds NaN or infinity, or its result is too large for its
  // type; kCancelled.
  Result<void> merge(const TensorPlan& tensor, const Sink& sink, const Tick& tick);

  // The most memory that it takes: buffers, and factors of adapters.
  static Bytes memory(const Inputs& inputs, const Plan& plan, std::size_t threads);

 private:
  struct Scratch {
    std::vector<char> raw;
    std::vector<char> encoded;
    std::vector<float> first;
    std::vector<float> second;
    std::vector<double> sums;
  };
  struct Piece {
    std::uint64_t begin;
    std::size_t elements;
  };
  struct Job;

  Result<void> copy(Job& job, const Term& source);
  Result<bool> identical(Job& job);
  Result<void> find_angle(Job& job);
  Result<void> write(Job& job);
  Result<void> write_piece(Job& job, Piece piece, Scratch& scratch);
  Result<std::span<const float>> decoded(const Job& job, const Term& term, Piece piece, Scratch& scratch, std::vector<float>& into) const;
  Result<std::span<char>> raw(const Job& job, const Term& term, Piece piece, std::vector<char>& into) const;
  Error not_finite(const Job& job, Piece piece, Scratch& scratch) const;

  const Inputs& inputs_;
  std::vector<Scratch> scratch_;
};

}  // namespace pensieve::merge
