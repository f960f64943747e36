// How fast a model will be, before it ever ran.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/units.h"
#include "gguf/model_shape.h"
#include "machine/profile.h"
#include "memory/context_settings.h"

namespace pensieve::memory {

// Operations of one layer of the usual make (llama: norms, Q, K, V, rope, cache, attention, gated
// feed-forward, two additions) that is not the last.
inline constexpr double kUsualOperations = 19;

struct Speed {
  TokensPerSecond decode;
  TokensPerSecond prefill;
  TokensPerSecond decode_limit;  // nominal bandwidth over all that a token reads of the file, token table included
};

// Bytes that one token reads: weights (of experts the used share; the token table only if it is the
// output matrix too) and the cache at `depth` tokens.
Bytes bytes_per_token(const gguf::ModelShape& model, CacheType cache, std::int64_t depth);

// Decode: bytes per token over the bandwidth that is reached (FACTS: memory decides on Apple silicon
// and on GPUs), or, on a machine whose kernels were measured, the sum over formats. Prefill: active
// parameters over the operations reached. `depth`: tokens in the cache already.
Speed predict_speed(const gguf::ModelShape& model, CacheType cache, const MachineProfile& machine, std::int64_t depth);

// `predicted` moved by what was measured elsewhere: the ratio of measurement and prediction at the
// depth of the measurement holds at other depths too.
TokensPerSecond corrected_speed(TokensPerSecond predicted, TokensPerSecond predicted_there, TokensPerSecond measured_there);

// Words of the design document: unusable, frustrating, acceptable, good, seamless.
std::string_view experience_band(TokensPerSecond decode);

}  // namespace pensieve::memory
