#include "generation/image_header.h"

#include <cstddef>
#include <format>
#include <optional>
#include <string>
#include <utility>

namespace pensieve {
namespace {

constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::size_t kPngFrame = 12;  // length, type and checksum around a chunk's content

// A number of `width` bytes at `at`; 0 beyond the end.
std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t width, bool big_endian) {
  if (at > bytes.size() || bytes.size() - at < width) return 0;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t place = big_endian ? at + i : at + width - 1 - i;
    value = value << 8U | static_cast<unsigned char>(bytes[place]);
  }
  return value;
}

std::unexpected<Error> wrong(std::string problem) { return fail(ErrorCode::kInvalidArgument, std::move(problem)); }

// The chunk at `at`; empty if it does not lie within the file.
struct PngChunk {
  std::string_view type;
  std::string_view content;
};
std::optional<PngChunk> png_chunk(std::string_view bytes, std::size_t at) {
  if (at > bytes.size() || bytes.size() - at < kPngFrame) return std::nullopt;
  const std::size_t length = number(bytes, at, 4, true);
  if (length > bytes.size() - at - kPngFrame) return std::nullopt;
  return PngChunk{bytes.substr(at + 4, 4), bytes.substr(at + 8, length)};
}

Result<ImageHeader> read_png(std::string_view bytes) {
  ImageHeader header{.format = ImageFormat::kPng};
  bool has_data = false;
  for (std::size_t at = kPngSignature.size();;) {
    const auto chunk = png_chunk(bytes, at);
    if (!chunk) return wrong("is cut off");
    const bool first = at == kPngSignature.size();
    if (first != (chunk->type == "IHDR") || (first && chunk->content.size() != 13)) return wrong("is no PNG file that can be read");
    if (first) {
      header.width = number(chunk->content, 0, 4, true);
      header.height = number(chunk->content, 4, 4, true);
    }
    has_data = has_data || chunk->type == "IDAT";
    if (chunk->type == "IEND") break;
    at += chunk->content.size() + kPngFrame;
  }
  if (!has_data) return wrong("has no pixels");
  return header;
}

// Segments up to the frame header, which has the size; then the end mark has to come.
Result<ImageHeader> read_jpeg(std::string_view bytes) {
  for (std::size_t at = 2;;) {
    while (at + 1 < bytes.size() && bytes[at] == '\xff' && bytes[at + 1] == '\xff') ++at;  // padding
    if (at > bytes.size() || bytes.size() - at < 4) return wrong("is cut off");
    if (bytes[at] != '\xff') return wrong("is no JPEG file that can be read");
    const auto mark = static_cast<unsigned char>(bytes[at + 1]);
    const std::size_t length = number(bytes, at + 2, 2, true);
    const bool frame = mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc;
    if (length < 2 || mark == 0xda || mark == 0xd9) return wrong("is no JPEG file that can be read");
    if (length > bytes.size() - at - 2) return wrong("is cut off");
    if (frame) {
      if (length < 8) return wrong("is no JPEG file that can be read");
      if (bytes.rfind("\xff\xd9") < at || bytes.rfind("\xff\xd9") == std::string_view::npos) return wrong("is cut off");
      return ImageHeader{ImageFormat::kJpeg, number(bytes, at + 7, 2, true), number(bytes, at + 5, 2, true)};
    }
    at += 2 + length;
  }
}

Result<ImageHeader> read_gif(std::string_view bytes) {
  if (bytes.size() < 14) return wrong("is cut off");
  return ImageHeader{ImageFormat::kGif, number(bytes, 6, 2, false), number(bytes, 8, 2, false)};
}

Result<ImageHeader> read_bmp(std::string_view bytes) {
  if (bytes.size() < 26 || bytes.size() < number(bytes, 10, 4, false)) return wrong("is cut off");
  if (number(bytes, 14, 4, false) == 12) {
    return ImageHeader{ImageFormat::kBmp, number(bytes, 18, 2, false), number(bytes, 20, 2, false)};
  }
  const auto height = static_cast<std::int32_t>(number(bytes, 22, 4, false));  // negative: from the top
  return ImageHeader{ImageFormat::kBmp, number(bytes, 18, 4, false),
                     static_cast<std::uint32_t>(height < 0 ? -std::int64_t{height} : height)};
}

Result<ImageHeader> read_any(std::string_view bytes) {
  if (bytes.empty()) return wrong("is empty");
  if (bytes.starts_with(kPngSignature)) return read_png(bytes);
  if (bytes.starts_with("\xff\xd8")) return read_jpeg(bytes);
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return read_gif(bytes);
  if (bytes.starts_with("BM")) return read_bmp(bytes);
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return wrong("is a WebP file, which can't be read here");
  return wrong("is no PNG, JPEG, GIF or BMP file");
}

}  // namespace

Result<ImageHeader> read_image_header(std::string_view bytes) {
  const ImageHeader header = TRY(read_any(bytes));
  if (header.width == 0 || header.height == 0) return wrong("has no pixels");
  const std::uint64_t pixels = std::uint64_t{header.width} * header.height;
  if (header.width > kMostImageSide || header.height > kMostImageSide || pixels > kMostImagePixels) {
    return wrong(std::format("has {} x {} pixels; at most {} a side and {} in all can be read", header.width, header.height, kMostImageSide,
                             kMostImagePixels));
  }
  return header;
}

std::string_view media_type(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return "image/png";
    case ImageFormat::kJpeg:
      return "image/jpeg";
    case ImageFormat::kGif:
      return "image/gif";
    case ImageFormat::kBmp:
      return "image/bmp";
  }
  return "image/png";
}

std::vector<std::string_view> png_data(std::string_view bytes) {
  std::vector<std::string_view> pieces;
  if (!bytes.starts_with(kPngSignature)) return pieces;
  for (std::size_t at = kPngSignature.size();;) {
    const auto chunk = png_chunk(bytes, at);
    if (!chunk || chunk->type == "IEND") return pieces;
    if (chunk->type == "IDAT") pieces.push_back(chunk->content);
    at += chunk->content.size() + kPngFrame;
  }
}

}  // namespace pensieve
