#include "api/json_value.h"

#include <charconv>
#include <cmath>
#include <format>
#include <glaze/glaze.hpp>
#include <optional>
#include <vector>

#include "api/escaped_json.h"
#include "base/utf8.h"

namespace pensieve::api {
namespace {

constexpr std::size_t kMaxDepth = 128;
// Of one object: the parser's time grows with the square of it.
constexpr std::size_t kMaxMembers = 10'000;
// Of the whole body: a value takes twenty times the memory of the two bytes that it may be written in.
constexpr std::size_t kMaxValues = 1'000'000;

struct StrictJson : glz::opts {
  bool validate_trailing_whitespace = true;  // nothing may follow the value
};

// What would cost too much to parse, found in one pass without recursion; empty: nothing.
std::string too_much(std::string_view body) {
  std::string open;                 // the brackets around
  std::vector<std::size_t> commas;  // in each of them
  std::size_t values = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == ',' || c == '{' || c == '[') ++values;
    if (values > kMaxValues) return std::format("has more than {} values", kMaxValues);
    if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      open += c;
      commas.push_back(0);
      if (open.size() > kMaxDepth) return std::format("is nested deeper than {} levels", kMaxDepth);
    } else if ((c == '}' || c == ']') && !open.empty()) {
      open.pop_back();
      commas.pop_back();
    } else if (c == ',' && !open.empty()) {
      if (++commas.back() >= kMaxMembers && open.back() == '{') return std::format("has an object of more than {} members", kMaxMembers);
    }
  }
  return {};
}

// The UTF-16 unit that `text` begins with as an escape (\\u and four digits).
std::optional<unsigned> escaped_unit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return {};
  unsigned unit = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  return error == std::errc{} && end == text.data() + 6 ? std::optional(unit) : std::nullopt;
}

// Programs that cut texts between UTF-16 units send halves of surrogate pairs, which stand for no character:
// they are read as the replacement character, not refused with the conversation around them.
void replace_lone_surrogates(std::string& json) {
  const auto is_high = [](unsigned unit) { return (unit & 0xFC00U) == 0xD800U; };
  const auto is_low = [](unsigned unit) { return (unit & 0xFC00U) == 0xDC00U; };
  for (std::size_t at = json.find('\\'); at != std::string::npos; at = json.find('\\', at)) {
    const std::string_view rest = std::string_view(json).substr(at);
    const std::optional<unsigned> unit = escaped_unit(rest);
    if (!unit) {
      at += 2;
      continue;
    }
    const bool pair = is_high(*unit) && escaped_unit(rest.substr(6)).transform(is_low).value_or(false);
    if (!pair && (is_high(*unit) || is_low(*unit))) json.replace(at + 2, 4, "fffd");
    at += pair ? 12 : 6;
  }
}

}  // namespace

Result<Json> parse_body(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  if (!is_valid_utf8(body)) return fail(ErrorCode::kInvalidArgument, "the request body is not valid UTF-8");
  if (const std::string what = too_much(body); !what.empty()) {
    return fail(ErrorCode::kInvalidArgument, std::format("the request body {}", what));
  }
  try {
    Json value;
    std::string text(body);
    replace_lone_surrogates(text);
    if (glz::read<StrictJson{}>(value, text)) {
      return fail(ErrorCode::kInvalidArgument, "the request body is not valid JSON", "send a JSON object");
    }
    if (!value.is_object()) return fail(ErrorCode::kInvalidArgument, "the request body is not a JSON object", "send a JSON object");
    return value;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("the request body can't be read: {}", error.what()));
  }
}

std::string to_json_text(const Json& value) {
  std::string out;
  if (glz::write<EscapedJson{}>(value, out)) out = "null";
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out += text.substr(plain);
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

Result<Fields> Fields::of(const Json& value, std::string path) {
  if (value.is_object()) return Fields(value.get_object(), std::move(path));
  return fail(ErrorCode::kInvalidArgument, std::format("{} must be an object", path.empty() ? "the body" : path), "", path);
}

std::string Fields::path(std::string_view name) const { return path_.empty() ? std::string(name) : std::format("{}.{}", path_, name); }

std::unexpected<Error> Fields::wrong(std::string_view name, std::string_view problem) const {
  return fail(ErrorCode::kInvalidArgument, std::format("{}: {}", path(name), problem), "", path(name));
}

const Json* Fields::find(std::string_view name) const {
  const auto found = object_->find(name);
  return found == object_->end() || found->second.is_null() ? nullptr : &found->second;
}

Result<std::optional<std::string>> Fields::text(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong(name, "must be a string");
  return value->get_string();
}

Result<std::string> Fields::required_text(std::string_view name) const {
  std::optional<std::string> value = TRY(text(name));
  if (!value) return wrong(name, "is required");
  return std::move(*value);
}

Result<std::optional<double>> Fields::number(std::string_view name, double low, double high) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return wrong(name, "must be a number");
  const double number = value->as_number();
  if (!(number >= low && number <= high)) return wrong(name, std::format("must be from {} to {}", low, high));
  return number;
}

Result<std::optional<std::int64_t>> Fields::integer(std::string_view name, std::int64_t low, std::int64_t high) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return wrong(name, "must be a whole number");
  const double number = value->as_number();
  if (number != std::floor(number) || !(number >= static_cast<double>(low) && number <= static_cast<double>(high))) {
    return wrong(name, std::format("must be a whole number from {} to {}", low, high));
  }
  return static_cast<std::int64_t>(number);
}

Result<std::optional<bool>> Fields::boolean(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return wrong(name, "must be true or false");
  return value->get_boolean();
}

Result<const Json::array_t*> Fields::array(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) return wrong(name, "must be an array");
  return &value->get_array();
}

}  // namespace pensieve::api
