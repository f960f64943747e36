#pragma once

#include <expected>
#include <string>

#include "base/result.h"

namespace pensieve::api {

// The answer of every dialect to an image, whichever model is asked; `path` is the field that holds it.
// Says what is missing, so that nobody looks for a model that could.
std::unexpected<Error> refuse_image(const std::string& path);

}  // namespace pensieve::api
