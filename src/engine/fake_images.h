// Images for tests: an image's bytes are how many cells it takes, in decimal, and a letter that tells it from others.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/image_reader.h"

namespace pensieve::engine {

class FakeImage final : public EncodableImage {
 public:
  FakeImage(std::vector<Token> tokens, bool whole) : EncodableImage(std::move(tokens), whole) {}
};

// "12a" -> the tokens '[', 12 cells below 0 and ']'. "bad" can't be read.
class FakeImageReader final : public ImageReader {
 public:
  bool whole = false;
  mutable int decoded = 0;

  [[nodiscard]] Result<std::vector<ImagePart>> read(const Image& image, bool only_count) const override {
    if (!only_count) ++decoded;
    if (image.bytes == "bad") return fail(ErrorCode::kInvalidArgument, "the image is bad", {}, image.field);
    return std::vector<ImagePart>{{.text = {'['}}, {.image = cells(image.bytes)}, {.text = {']'}}};
  }
  [[nodiscard]] std::shared_ptr<const FakeImage> cells(const std::string& bytes) const {
    const auto count = static_cast<std::size_t>(std::stoi(bytes));
    return std::make_shared<FakeImage>(std::vector<Token>(count, -static_cast<Token>(bytes.back())), whole);
  }
};

}  // namespace pensieve::engine
