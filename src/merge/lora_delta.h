// What a LoRA adapter adds to one tensor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "merge/plan.h"

namespace pensieve::merge {

class LoraDelta {
 public:
  // Reads the two factors. Errors as ModelFile::read_floats.
  static Result<LoraDelta> load(const AdapterInput& input, const AdapterTerm& term, const TensorPlan& tensor);

  // sums += scale * (B A) for the tensor's elements from `begin`.
  void add(std::uint64_t begin, std::span<double> sums) const;

 private:
  std::uint64_t width_ = 0;  // of a row of the tensor
  std::uint64_t rows_ = 0;   // of one expert
  std::uint64_t rank_ = 0;
  double scale_ = 0;
  std::vector<float> a_;  // rank rows of that width, one expert after the other
  std::vector<float> b_;  // rank elements for each row of the tensor
};

}  // namespace pensieve::merge
