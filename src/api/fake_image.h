// For tests of the request parsers: an image as clients send it.
#pragma once

#include <string>

namespace pensieve::api {

// A PNG file of one pixel in base64.
inline const std::string kPixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
inline const std::string kPixelUrl = "data:image/png;base64," + kPixel;

}  // namespace pensieve::api
