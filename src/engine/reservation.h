// What a model would take, told by libllama itself without loading it: the file is opened for its
// metadata only and a context is made whose buffers are measured but not allocated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace pensieve::engine {

struct ReservationSettings {
  std::uint32_t context_tokens = 4096;
  std::uint32_t sequences = 1;
  std::uint32_t batch_tokens = 512;
  std::uint32_t outputs = 0;  // 0: one a token
  std::string cache_type = "f16";
  bool flash_attention = true;
  bool unified = true;
};

// Sums over all devices' buffers.
struct Reservation {
  Bytes weights;
  Bytes cache;  // K, V and recurrent state
  Bytes compute;
};

// One result for each of `settings`. Takes some 20 MB and a second or less whatever the model's
// size. Call initialise_backends() first. Errors: kNotFound/kIo/kUnsupported for the file,
// kInvalidArgument for settings that libllama refuses.
Result<std::vector<Reservation>> reserve(const std::string& path, const std::vector<ReservationSettings>& settings);

}  // namespace pensieve::engine
