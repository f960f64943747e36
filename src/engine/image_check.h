// Whether an image's bytes may be decoded.
#pragma once

#include <string_view>

#include "base/result.h"

namespace pensieve::engine {

// read_image_header's errors, and kInvalidArgument for a PNG file that unpacks to more than its header says:
// the decoder would follow it to whatever length. The message follows "the image".
Result<void> check_image(std::string_view bytes);

}  // namespace pensieve::engine
