// Tokens and sequences as numbers.
#pragma once

#include <cstdint>

namespace pensieve::engine {

using Token = std::int32_t;
using SequenceId = std::int32_t;

// One token of a batch. Positions of a sequence follow each other without a gap.
struct BatchToken {
  Token token = 0;
  std::int32_t position = 0;
  SequenceId sequence = 0;
  bool wants_logits = false;
};

}  // namespace pensieve::engine
