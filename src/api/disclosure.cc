#include "api/disclosure.h"

#include <algorithm>
#include <format>

#include "api/json_value.h"

namespace pensieve::api {

Disclosure disclosure_of(const GenerationStream& stream, std::string_view decision) {
  return {.model = stream.model(), .decision = std::string(decision), .degraded = stream.degraded()};
}

std::string disclosure_json(const Disclosure& disclosure) {
  return std::format(R"({{"model":{},"decision":{},"degraded":{}}})", json_string(disclosure.model), json_string(disclosure.decision),
                     disclosure.degraded.empty() ? "null" : json_string(disclosure.degraded));
}

std::string disclosure_field(const Disclosure& disclosure) {
  return disclosure.decision.empty() ? std::string() : ",\"pensieve\":" + disclosure_json(disclosure);
}

std::string disclosure_field(const Disclosure& disclosure, const Usage& usage) {
  if (usage.accepted_prediction_tokens + usage.rejected_prediction_tokens == 0) return disclosure_field(disclosure);
  std::string fields = disclosure.decision.empty() ? std::string("{") : disclosure_json(disclosure);
  if (fields.size() > 1) fields.back() = ',';
  return std::format(R"(,"pensieve":{}"accepted_prediction_tokens":{},"rejected_prediction_tokens":{}}})", fields,
                     usage.accepted_prediction_tokens, usage.rejected_prediction_tokens);
}

std::string header_text(std::string_view text) {
  constexpr std::size_t kLongest = 400;
  std::string value(text.substr(0, kLongest));
  std::ranges::replace_if(value, [](char c) { return c < ' ' || c > '~'; }, '?');
  return value;
}

}  // namespace pensieve::api
