#include "api/http/exchange.h"

namespace pensieve::api {

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace pensieve::api
