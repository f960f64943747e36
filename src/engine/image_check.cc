#include "engine/image_check.h"

#include <zlib.h>

#include <array>
#include <cstdint>

#include "generation/image_header.h"

namespace pensieve::engine {
namespace {

constexpr std::uint64_t kMostBytesPerPixel = 8;  // four samples of 16 bits
constexpr std::uint64_t kBytesBesideRows = 1024;

// True if the pieces unpack to at most `most` bytes, or don't unpack at all, which the decoder reports.
bool unpacks_within(const std::vector<std::string_view>& pieces, std::uint64_t most) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return false;
  std::array<unsigned char, 64UL * 1024> buffer;
  std::uint64_t unpacked = 0;
  int state = Z_OK;
  for (const std::string_view piece : pieces) {
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<unsigned int>(piece.size());
    do {
      stream.next_out = buffer.data();
      stream.avail_out = buffer.size();
      state = inflate(&stream, Z_NO_FLUSH);
      unpacked += buffer.size() - stream.avail_out;
    } while (state == Z_OK && stream.avail_out == 0 && unpacked <= most);
    if (state == Z_BUF_ERROR) state = Z_OK;  // the piece was used up, or empty: the next one goes on
    if (state != Z_OK || unpacked > most) break;
  }
  inflateEnd(&stream);
  return unpacked <= most;
}

}  // namespace

Result<void> check_image(std::string_view bytes) {
  const ImageHeader header = TRY(read_image_header(bytes));
  if (header.format != ImageFormat::kPng) return {};
  // A filter byte begins each row, of which interlacing makes up to twice as many.
  const std::uint64_t most =
      std::uint64_t{header.width} * header.height * kMostBytesPerPixel + 4 * std::uint64_t{header.height} + kBytesBesideRows;
  if (!unpacks_within(png_data(bytes), most)) return fail(ErrorCode::kInvalidArgument, "unpacks to more than its size");
  return {};
}

}  // namespace pensieve::engine
