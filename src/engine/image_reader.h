// Images as parts of a prompt.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/batch_token.h"
#include "generation/request.h"

namespace pensieve::engine {

// A picture, or a part of one, that takes cells of the model's cache like tokens do. Immutable.
class EncodableImage {
 public:
  virtual ~EncodableImage() = default;

  // What stands for its cells in a prompt: numbers below 0, which no vocabulary has, made of a hash of the
  // image and the projector. So the same image is found again in the cache and in the archive, and another
  // one of the same size is not.
  [[nodiscard]] const std::vector<Token>& tokens() const { return tokens_; }

  // Its cells see each other both ways: those that are not in the cache yet are computed in one batch.
  [[nodiscard]] bool whole() const { return whole_; }

 protected:
  EncodableImage(std::vector<Token> tokens, bool whole) : tokens_(std::move(tokens)), whole_(whole) {}

 private:
  std::vector<Token> tokens_;
  bool whole_;
};

// A piece of what an image becomes: a part of it, or tokens that the model was trained to see around one.
struct ImagePart {
  std::vector<Token> text = {};
  std::shared_ptr<const EncodableImage> image = {};  // null: text
};

// Where an image stands in a prompt.
struct PromptImage {
  std::size_t begin = 0;  // its first token
  std::shared_ptr<const EncodableImage> image;
  [[nodiscard]] std::size_t end() const { return begin + image->tokens().size(); }
};

// Thread-safe.
class ImageReader {
 public:
  virtual ~ImageReader() = default;

  // What an image becomes in the prompt. With `only_count` by what its header says, which takes no time; else it
  // has been decoded once, so that it can be encoded when its turn comes. Errors kInvalidArgument naming the
  // image's field.
  [[nodiscard]] virtual Result<std::vector<ImagePart>> read(const Image& image, bool only_count) const = 0;
};

}  // namespace pensieve::engine
