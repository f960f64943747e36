// What the engine requires of a request before it works on it.
#pragma once

#include "base/result.h"
#include "generation/request.h"

namespace pensieve::engine {

// Errors name the request's field: kInvalidArgument for values out of range and for token ids that
// the vocabulary does not have, kUnsupported for what the engine can't do.
Result<void> check_request(const GenerationRequest& request, std::size_t vocabulary_size, bool reads_images);

}  // namespace pensieve::engine
