#include "api/http/response_head.h"

#include <boost/beast/http/status.hpp>
#include <chrono>
#include <format>

namespace pensieve::api {

std::string render_head(int status, const Headers& headers) {
  namespace http = boost::beast::http;
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  std::string head = std::format("HTTP/1.1 {} {}\r\n", status, std::string_view(reason));
  for (const auto& [name, value] : headers) {
    head += name;
    head += ": ";
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      head += (byte < 0x20 && c != '\t') || byte == 0x7F ? ' ' : c;
    }
    head += "\r\n";
  }
  head += "\r\n";
  return head;
}

std::string http_date(WallTime time) { return std::format("{:%a, %d %b %Y %H:%M:%S} GMT", std::chrono::floor<std::chrono::seconds>(time)); }

}  // namespace pensieve::api
