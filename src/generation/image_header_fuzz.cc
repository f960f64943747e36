// Any bytes as an image file: its size is read or refused, and what is read is within the bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "generation/image_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t pieces = 0;
  for (const std::string_view piece : pensieve::png_data(bytes)) pieces += piece.size();
  if (pieces > size) std::abort();
  const auto header = pensieve::read_image_header(bytes);
  if (!header) return 0;
  const std::uint64_t pixels = std::uint64_t{header->width} * header->height;
  if (pixels == 0 || pixels > pensieve::kMostImagePixels) std::abort();
  return 0;
}
