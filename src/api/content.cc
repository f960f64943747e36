#include "api/content.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <utility>

#include "base/base64.h"
#include "generation/image_header.h"

namespace pensieve::api {
namespace {

std::unexpected<Error> wrong(const std::string& field, std::string_view problem, std::string advice) {
  return fail(ErrorCode::kInvalidArgument, std::format("{}: {}", field, problem), std::move(advice), field);
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text.substr(0, word.size()), word, {}, [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
}

}  // namespace

void Content::add(std::string_view more, std::string_view separator) {
  if (!text.empty() && !more.empty()) text += separator;
  text += more;
}

void Content::add(Content more, std::string_view separator) {
  if (!text.empty() && !more.text.empty()) text += separator;
  for (Image& image : more.images) {
    image.offset += text.size();
    images.push_back(std::move(image));
  }
  text += more.text;
}

void Content::add(Image image) {
  image.offset = text.size();
  images.push_back(std::move(image));
}

void set_content(Message& message, Content content) {
  message.text = std::move(content.text);
  message.images = std::move(content.images);
}

Result<Image> image_of_base64(std::string_view text, const std::string& field) {
  std::optional<std::string> bytes = decode_base64(text);
  if (!bytes) return wrong(field, "is no base64", "send the bytes of a PNG or JPEG file in base64");
  const Result<ImageHeader> header = read_image_header(*bytes);
  if (!header) return wrong(field, "the image " + header.error().message, "send a PNG or JPEG file");
  return Image{.media_type = std::string(media_type(header->format)), .bytes = *std::move(bytes), .field = field};
}

Result<Image> image_of_url(std::string_view url, const std::string& field) {
  if (!starts_with_word(url, "data:")) {
    return wrong(field, "images are not fetched from elsewhere", "send the image itself: data:image/png;base64,...");
  }
  const std::size_t comma = url.find(',');
  const std::string_view kind = url.substr(0, comma);
  if (comma == std::string_view::npos || !kind.ends_with(";base64")) {
    return wrong(field, "is no data URL with base64", "write it as data:image/png;base64,...");
  }
  return image_of_base64(url.substr(comma + 1), field);
}

}  // namespace pensieve::api
