#include "merge/lora_delta.h"

#include <algorithm>
#include <utility>

#include "merge/vector_kernels.h"

namespace pensieve::merge {
namespace {

std::vector<float> transposed(const std::vector<float>& matrix, std::uint64_t width) {
  const std::uint64_t rows = matrix.size() / width;
  std::vector<float> result(matrix.size());
  for (std::uint64_t row = 0; row < rows; ++row) {
    for (std::uint64_t column = 0; column < width; ++column) result[column * rows + row] = matrix[row * width + column];
  }
  return result;
}

}  // namespace

Result<LoraDelta> LoraDelta::load(const AdapterInput& input, const AdapterTerm& term, const TensorPlan& tensor) {
  const gguf::AdapterPair& pair = input.adapter.pairs[term.pair];
  LoraDelta delta;
  delta.width_ = tensor.dimensions[0];
  delta.rows_ = tensor.dimensions.size() > 1 ? tensor.dimensions[1] : 1;
  delta.rank_ = pair.rank;
  delta.scale_ = term.scale;
  delta.a_ = TRY(input.file.read_floats(pair.a));
  delta.b_ = TRY(input.file.read_floats(pair.b));
  if (tensor.name == "token_embd.weight") {
    // Rows are looked up in A and multiplied by B: the roles are exchanged.
    std::swap(delta.a_, delta.b_);
    delta.a_ = transposed(delta.a_, delta.rank_);
  }
  return delta;
}

void LoraDelta::add(std::uint64_t begin, std::span<double> sums) const {
  while (!sums.empty()) {
    const std::uint64_t row = begin / width_;
    const std::uint64_t column = begin % width_;
    const auto count = std::min<std::uint64_t>(sums.size(), width_ - column);
    const float* a = a_.data() + row / rows_ * rank_ * width_ + column;
    const float* b = b_.data() + row * rank_;
    for (std::uint64_t k = 0; k < rank_; ++k) {
      add_scaled(scale_ * static_cast<double>(b[k]), {a + k * width_, count}, sums.first(count));
    }
    sums = sums.subspan(count);
    begin += count;
  }
}

}  // namespace pensieve::merge
