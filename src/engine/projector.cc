#include "engine/projector.h"

#include <format>
#include <utility>

#include "base/build_features.h"

#if PENSIEVE_READS_IMAGES

#include <mtmd-helper.h>
#include <mtmd.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <mutex>

#include "base/sha256.h"
#include "engine/image_check.h"
#include "engine/llama_log.h"
#include "engine/model_identity.h"
#include "generation/image_header.h"

namespace pensieve::engine {
namespace {

constexpr std::size_t kMostEncodedFloats = std::size_t{4} << 20U;  // kept for images that are asked about again

struct ContextDeleter {
  void operator()(mtmd_context* context) const { mtmd_free(context); }
};
struct BitmapDeleter {
  void operator()(mtmd_bitmap* bitmap) const { mtmd_bitmap_free(bitmap); }
};
struct ChunksDeleter {
  void operator()(mtmd_input_chunks* chunks) const { mtmd_input_chunks_free(chunks); }
};
using Chunks = std::unique_ptr<mtmd_input_chunks, ChunksDeleter>;

// An image chunk of libmtmd's, by the file that it comes from: its pixels in floats take many times as much, and
// most of a conversation's images are in the cache.
struct Chunk final : EncodableImage {
  Chunk(std::vector<Token> tokens, bool whole, std::shared_ptr<const std::string> of, std::size_t at)
      : EncodableImage(std::move(tokens), whole), file(std::move(of)), index(at) {}
  std::shared_ptr<const std::string> file;
  std::size_t index;
};

// `count` numbers below 0 that depend on every byte of `name`.
std::vector<Token> tokens_of(const std::string& name, std::size_t count) {
  constexpr std::size_t kDigits = 8;
  std::vector<Token> tokens;
  std::string digest;
  while (tokens.size() < count) {
    const std::size_t within = tokens.size() * kDigits % 64;
    if (within == 0) digest = sha256_hex(std::format("{}/{}", name, tokens.size()));
    std::uint32_t number = 0;
    std::from_chars(digest.data() + within, digest.data() + within + kDigits, number, 16);
    tokens.push_back(-1 - static_cast<Token>(number >> 1U));
  }
  return tokens;
}

std::unexpected<Error> bad_image(const Image& image, std::string_view problem) {
  const std::string field = image.field.empty() ? "messages" : image.field;
  return fail(ErrorCode::kInvalidArgument, std::format("{}: the image {}", field, problem), "send it as a PNG or JPEG file", field);
}

using Bitmap = std::unique_ptr<mtmd_bitmap, BitmapDeleter>;

// Null if it can't be decoded. May throw.
Bitmap decoded(mtmd_context* context, const std::string& file) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(file.data());
  Bitmap bitmap(mtmd_helper_bitmap_init_from_buf(context, bytes, file.size(), false, mtmd_helper_init_opt_default()).bitmap);
  return bitmap && !mtmd_bitmap_is_audio(bitmap.get()) ? std::move(bitmap) : nullptr;
}

// What an image becomes; null if it can't be prepared for the model. May throw.
Chunks divided(mtmd_context* context, const Bitmap& bitmap) {
  Chunks chunks(mtmd_input_chunks_init());
  const std::string_view marker = mtmd_get_marker(context);
  const mtmd_input_text text{.text = marker.data(), .text_len = marker.size(), .add_special = false, .parse_special = true};
  const mtmd_bitmap* const bitmaps[] = {bitmap.get()};
  return mtmd_tokenize(context, chunks.get(), &text, bitmaps, 1) == 0 ? std::move(chunks) : nullptr;
}

}  // namespace

struct Projector::Library {
  static constexpr std::size_t kMostSound = 512;

  std::unique_ptr<mtmd_context, ContextDeleter> context;
  std::string identity;  // of the projector's file
  std::size_t batch_tokens = 0;
  std::size_t row = 0;  // floats of one cell
  // The engine thread's: the image that it encodes.
  std::shared_ptr<const std::string> file;
  Chunks chunks;

  // Digests of images that were decoded: a conversation brings its images again with every turn.
  std::mutex mutex;
  std::deque<std::string> sound;

  bool is_sound(const std::string& digest) {
    const std::scoped_lock lock(mutex);
    return std::ranges::contains(sound, digest);
  }
  void note_sound(const std::string& digest) {
    const std::scoped_lock lock(mutex);
    sound.push_front(digest);
    if (sound.size() > kMostSound) sound.pop_back();
  }
};

Projector::Projector(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Projector::~Projector() = default;

Result<std::unique_ptr<Projector>> Projector::open(const Settings& settings, const llama_model* model) {
  ggml_log_callback log = nullptr;
  void* data = nullptr;
  llama_log_get(&log, &data);
  mtmd_helper_log_set(log, data);
  mtmd_context_params parameters = mtmd_context_params_default();
  parameters.use_gpu = settings.use_gpu;
  parameters.n_threads = settings.threads;
  parameters.print_timings = false;
  parameters.warmup = true;
  auto library = std::make_unique<Library>();
  const LlamaLogCapture lines;
  try {
    library->context.reset(mtmd_init_from_file(settings.path.c_str(), model, parameters));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kUnsupported, std::format("the projector {} can't be used: {}", settings.path, error.what()));
  }
  const mtmd_context* context = library->context.get();
  if (context == nullptr) {
    return fail(ErrorCode::kUnsupported, std::format("the projector {} can't be used: {}", settings.path, lines.errors()));
  }
  if (!mtmd_support_vision(context))
    return fail(ErrorCode::kUnsupported, std::format("the projector {} is none for images", settings.path));
  if (mtmd_decode_use_mrope(context)) {
    return fail(ErrorCode::kUnsupported, "images of this architecture have positions of several dimensions, which are not supported");
  }
  library->identity = TRY(model_identity(settings.path));
  library->batch_tokens = settings.batch_tokens;
  library->row = static_cast<std::size_t>(llama_model_n_embd_inp(model));
  return std::unique_ptr<Projector>(new Projector(std::move(library)));
}

Result<std::vector<ImagePart>> Projector::read(const Image& image, bool only_count) const {
  const Result<ImageHeader> header = read_image_header(image.bytes);
  if (!header) return bad_image(image, header.error().message);
  mtmd_context* const context = library_->context.get();
  const std::string digest = sha256_hex(image.bytes);
  const std::string name = std::format("{}/{}", library_->identity, digest);
  const auto file = std::make_shared<const std::string>(image.bytes);
  try {
    if (!only_count && !library_->is_sound(digest)) {
      if (const Result<void> sound = check_image(image.bytes); !sound) return bad_image(image, sound.error().message);
      if (!decoded(context, image.bytes)) return bad_image(image, "can't be decoded");
      library_->note_sound(digest);
    }
    // Without pixels: how it is divided follows from its size.
    const Chunks chunks = divided(context, Bitmap(mtmd_bitmap_init(header->width, header->height, nullptr)));
    if (!chunks) return bad_image(image, "can't be prepared for the model");
    std::vector<ImagePart> parts;
    for (std::size_t i = 0; i < mtmd_input_chunks_size(chunks.get()); ++i) {
      const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), i);
      const std::size_t count = mtmd_input_chunk_get_n_tokens(chunk);
      if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
        std::size_t length = 0;
        const llama_token* tokens = mtmd_input_chunk_get_tokens_text(chunk, &length);
        parts.push_back({.text = {tokens, tokens + length}});
        continue;
      }
      const bool whole = mtmd_decode_use_non_causal(context, chunk);
      if (whole && count > library_->batch_tokens) {
        return fail(ErrorCode::kUnsupported, std::format("an image of {} tokens needs a step that reads them all", count),
                    std::format("raise engine.batch_tokens to {}", count), image.field);
      }
      parts.push_back({.image = std::make_shared<Chunk>(tokens_of(std::format("{}/{}", name, i), count), whole, file, i)});
    }
    return parts;
  } catch (const std::exception& error) {
    return bad_image(image, std::format("can't be read: {}", error.what()));
  }
}

std::span<const float> Projector::encode(const EncodableImage& image) {
  const auto known = std::ranges::find(encoded_, image.tokens(), &Encoded::tokens);
  if (known != encoded_.end()) return known->rows;
  const auto* chunk = dynamic_cast<const Chunk*>(&image);
  if (chunk == nullptr) return {};
  mtmd_context* const context = library_->context.get();
  try {
    if (library_->file != chunk->file) {
      library_->file = chunk->file;
      const Bitmap bitmap = decoded(context, *chunk->file);
      library_->chunks = bitmap ? divided(context, bitmap) : nullptr;
    }
    if (!library_->chunks || chunk->index >= mtmd_input_chunks_size(library_->chunks.get())) return {};
    if (mtmd_input_chunk_get_n_tokens(mtmd_input_chunks_get(library_->chunks.get(), chunk->index)) != image.tokens().size()) return {};
    if (mtmd_encode_chunk(context, mtmd_input_chunks_get(library_->chunks.get(), chunk->index)) != 0) return {};
    const float* const rows = mtmd_get_output_embd(context);
    const std::size_t floats = image.tokens().size() * library_->row;
    encoded_.push_front({image.tokens(), {rows, rows + floats}});
  } catch (const std::exception& error) {
    spdlog::warn("an image could not be encoded: {}", error.what());
    return {};
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < encoded_.size(); ++i) {
    kept += encoded_[i].rows.size();
    if (i > 0 && kept > kMostEncodedFloats) encoded_.resize(i);
  }
  return encoded_.front().rows;
}

}  // namespace pensieve::engine

#else  // without libmtmd

namespace pensieve::engine {

struct Projector::Library {};

Projector::Projector(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Projector::~Projector() = default;

Result<std::unique_ptr<Projector>> Projector::open(const Settings& /*settings*/, const llama_model* /*model*/) {
  return fail(ErrorCode::kUnsupported, "this build reads no images (it has no libmtmd)");
}

Result<std::vector<ImagePart>> Projector::read(const Image& image, bool /*only_count*/) const {
  return fail(ErrorCode::kUnsupported, "this build reads no images", {}, image.field);
}

std::span<const float> Projector::encode(const EncodableImage& /*image*/) { return {}; }

}  // namespace pensieve::engine

#endif
