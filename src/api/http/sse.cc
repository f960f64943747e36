#include "api/http/sse.h"

namespace pensieve::api {
namespace {

void append_data(std::string& text, std::string_view data) {
  while (true) {
    const std::size_t end = data.find_first_of("\r\n");
    text += "data: ";
    text += data.substr(0, end);
    text += '\n';
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  text += '\n';
}

}  // namespace

std::string sse_data(std::string_view data) {
  std::string text;
  text.reserve(data.size() + 8);
  append_data(text, data);
  return text;
}

std::string sse_event(std::string_view name, std::string_view data) {
  std::string text;
  text.reserve(name.size() + data.size() + 16);
  text += "event: ";
  text += name;
  text += '\n';
  append_data(text, data);
  return text;
}

std::string sse_comment(std::string_view text) {
  std::string comment(": ");
  comment += text;
  comment += "\n\n";
  return comment;
}

}  // namespace pensieve::api
