#include "client/sse_parser.h"

namespace pensieve {

void SseParser::push(std::string_view bytes) {
  rest_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    std::string_view text = std::string_view(rest_).substr(begin, end - begin);
    if (text.ends_with('\r')) text.remove_suffix(1);
    line(text);
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

void SseParser::line(std::string_view text) {
  if (text.empty()) {
    if (!data_.empty()) on_data_(data_);
    data_.clear();
  } else if (text.starts_with("data:")) {
    text.remove_prefix(5);
    if (text.starts_with(' ')) text.remove_prefix(1);
    if (!data_.empty()) data_ += '\n';
    data_ += text;
  }
}

}  // namespace pensieve
