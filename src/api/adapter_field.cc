#include "api/adapter_field.h"

#include <format>

namespace pensieve::api {

namespace {
constexpr std::size_t kMostAdapters = 8;
constexpr double kMostScale = 100;
}  // namespace

Result<void> parse_adapters(const Fields& body, GenerationRequest& request) {
  const Json::array_t* list = TRY(body.array("lora"));
  if (list == nullptr) return {};
  if (list->size() > kMostAdapters) return body.wrong("lora", std::format("more than {} adapters", kMostAdapters));
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Fields adapter = TRY(Fields::of((*list)[i], body.path(std::format("lora.{}", i))));
    request.adapters.push_back(
        {.name = TRY(adapter.required_text("name")), .scale = TRY(adapter.number("scale", -kMostScale, kMostScale))});
  }
  return {};
}

}  // namespace pensieve::api
