// The content of a message as dialects put it together: text with images in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/json_value.h"
#include "base/result.h"
#include "generation/request.h"

namespace pensieve::api {

struct Content {
  std::string text;
  std::vector<Image> images;

  [[nodiscard]] bool empty() const { return text.empty() && images.empty(); }
  // Behind what there is, with `separator` between two texts.
  void add(std::string_view more, std::string_view separator = {});
  void add(Content more, std::string_view separator = {});
  void add(Image image);
};

// Gives a message its content.
void set_content(Message& message, Content content);

// An image of a field: base64 of its bytes, or a data: URL with that. Errors kInvalidArgument name the field:
// no base64, no data: URL (nothing is fetched), and read_image_header's.
Result<Image> image_of_base64(std::string_view text, const std::string& field);
Result<Image> image_of_url(std::string_view url, const std::string& field);

}  // namespace pensieve::api
