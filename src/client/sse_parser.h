// Server-sent events out of a byte stream.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace pensieve {

// Calls `on_data` with the data of each event, however the bytes arrive; comments are left out.
class SseParser {
 public:
  explicit SseParser(std::function<void(std::string_view)> on_data) : on_data_(std::move(on_data)) {}
  void push(std::string_view bytes);

 private:
  void line(std::string_view text);

  std::function<void(std::string_view)> on_data_;
  std::string rest_;
  std::string data_;
};

}  // namespace pensieve
