// Request bodies as JSON values, and fields of them by type and range.
#pragma once

#include <cstdint>
#include <functional>
#include <glaze/json/generic.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve::api {

// Whole numbers keep all their digits, objects their order: tool arguments go back as they came.
using Json = glz::generic_i64;

// The body as a JSON object. Error kInvalidArgument: not UTF-8, nested deeper than 128, with too many
// values, not JSON, no object.
Result<Json> parse_body(std::string_view body);

std::string to_json_text(const Json& value);

// `text` as a JSON string with its quotes, appended to `out`.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

// The fields of one object. A null field counts as absent. Errors name the field ("messages.3.role").
class Fields {
 public:
  // `value` must be an object and outlive this; error kInvalidArgument if it is none.
  static Result<Fields> of(const Json& value, std::string path);

  [[nodiscard]] const Json* find(std::string_view name) const;
  [[nodiscard]] std::string path(std::string_view name) const;

  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view name) const;
  [[nodiscard]] Result<std::optional<double>> number(std::string_view name, double low, double high) const;
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(std::string_view name, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] Result<std::optional<bool>> boolean(std::string_view name) const;
  // Empty pointer: absent.
  [[nodiscard]] Result<const Json::array_t*> array(std::string_view name) const;
  [[nodiscard]] Result<std::string> required_text(std::string_view name) const;

  [[nodiscard]] std::unexpected<Error> wrong(std::string_view name, std::string_view problem) const;

 private:
  Fields(const Json::object_t& object, std::string path) : object_(&object), path_(std::move(path)) {}

  const Json::object_t* object_;
  std::string path_;
};

}  // namespace pensieve::api
