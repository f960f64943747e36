// Images for the model by libmtmd: the only file that includes its headers is projector.cc.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/image_reader.h"
#include "engine/llama_api.h"

namespace pensieve::engine {

class Projector final : public ImageReader {
 public:
  struct Settings {
    std::string path;
    std::int32_t threads = 0;
    bool use_gpu = true;
    std::size_t batch_tokens = 0;  // most that the model computes at once
  };

  // Opens a projector for a model, which outlives it. Errors: kUnsupported (none that fits the model, one
  // for sound, positions of several dimensions, a build without libmtmd), kIo.
  static Result<std::unique_ptr<Projector>> open(const Settings& settings, const llama_model* model);
  ~Projector() override;

  [[nodiscard]] Result<std::vector<ImagePart>> read(const Image& image, bool only_count) const override;

  // One vector for each cell of an image that read() gave, behind one another; valid until the next call.
  // Empty if the encoder failed. The engine thread only.
  std::span<const float> encode(const EncodableImage& image);

 private:
  struct Library;  // what libmtmd holds
  struct Encoded {
    std::vector<Token> tokens;  // of which image
    std::vector<float> rows;
  };

  explicit Projector(std::unique_ptr<Library> library);

  std::unique_ptr<Library> library_;
  std::deque<Encoded> encoded_;  // the newest first
};

}  // namespace pensieve::engine
