#include "gguf/projector.h"

#include <algorithm>
#include <memory>

namespace pensieve::gguf {
namespace {

constexpr std::uint64_t kMostPatches = 16'384;  // beyond any encoder in use
constexpr std::uint64_t kMostWidth = 65'536;
constexpr std::uint64_t kLeastImageBytes = 4'000'000;

// The graph of a vision transformer with flash attention keeps three rows of its width and one of its
// feed-forward part alive for each patch, beside the image's pixels: within 8 % of what libmtmd 0.7 reserves
// for the shapes of CLIP and SigLIP at 336, 384 and 896 pixels (docs/images.md).
std::uint64_t graph_bytes(const Header& header) {
  const auto number = [&](const char* key, std::uint64_t most) { return std::min(header.number(key).value_or(0), most); };
  const std::uint64_t size = number("clip.vision.image_size", kMostWidth);
  const std::uint64_t side = size / std::max<std::uint64_t>(1, number("clip.vision.patch_size", kMostWidth));
  const std::uint64_t patches = std::min(side * side, kMostPatches);
  const std::uint64_t row = 3 * number("clip.vision.embedding_length", kMostWidth) + number("clip.vision.feed_forward_length", kMostWidth);
  return std::max(kLeastImageBytes, (patches * row + 3 * size * size) * sizeof(float));
}

bool is_true(const Header& header, std::string_view key) {
  const auto found = header.metadata.find(key);
  const bool* value = found == header.metadata.end() ? nullptr : std::get_if<bool>(&found->second);
  return value != nullptr && *value;
}

}  // namespace

bool is_projector(const Header& header) { return header.text("general.architecture") == "clip"; }

Result<Projector> read_projector(const std::filesystem::path& path) {
  const std::unique_ptr<Source> source = TRY(open_file(path));
  const Header header = TRY(read_header(*source));
  if (!is_projector(header)) return fail(ErrorCode::kInvalidArgument, "not a projector");
  if (!is_true(header, "clip.has_vision_encoder")) return fail(ErrorCode::kInvalidArgument, "a projector, but none for images");
  std::string type = header.text("clip.projector_type").value_or(header.text("clip.vision.projector_type").value_or("unknown"));
  return Projector{.type = std::move(type), .file_bytes = header.file_bytes, .image_bytes = graph_bytes(header)};
}

}  // namespace pensieve::gguf
