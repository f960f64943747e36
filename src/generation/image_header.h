// What an encoded image says of itself, read before anything decodes it: its size decides what decoding
// costs, whatever the bytes claim.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pensieve {

enum class ImageFormat : std::uint8_t { kPng, kJpeg, kGif, kBmp };

struct ImageHeader {
  ImageFormat format = ImageFormat::kPng;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  bool operator==(const ImageHeader&) const = default;
};

// More would take hundreds of megabytes to decode; the models scale images down anyway.
inline constexpr std::uint64_t kMostImagePixels = 25'000'000;
inline constexpr std::uint32_t kMostImageSide = 16'384;

// Reads the header and checks that the file goes on to its end. Errors kInvalidArgument with what is
// wrong as a phrase that follows "the image": empty, of no format that can be read, cut off, without
// pixels or with too many.
Result<ImageHeader> read_image_header(std::string_view bytes);

// "image/png".
std::string_view media_type(ImageFormat format);

// The contents of a PNG file's IDAT chunks, in order; empty for what is no PNG file.
std::vector<std::string_view> png_data(std::string_view bytes);

}  // namespace pensieve
