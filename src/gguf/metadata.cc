#include "gguf/metadata.h"

#include <format>
#include <variant>

namespace pensieve::gguf {
namespace {

std::unexpected<Error> out_of_bounds(const std::string& key, double value) {
  return fail(ErrorCode::kInvalidArgument, std::format("{} is {}", key, value), "download the file again");
}

}  // namespace

const Value* Metadata::find(std::string_view key) const {
  const auto found = header_.metadata.find(prefix_ + std::string(key));
  return found == header_.metadata.end() ? nullptr : &found->second;
}

bool Metadata::has(std::string_view key) const { return find(key) != nullptr; }

bool Metadata::has_array(std::string_view key) const {
  const Value* value = find(key);
  return value != nullptr && std::holds_alternative<Array>(*value);
}

Result<std::uint32_t> Metadata::number(std::string_view key, std::uint32_t otherwise) const {
  const Value* value = find(key);
  if (value == nullptr) return otherwise;
  const std::string full = prefix_ + std::string(key);
  if (const auto number = header_.number(full)) {
    if (*number > kMost) return out_of_bounds(full, static_cast<double>(*number));
    return static_cast<std::uint32_t>(*number);
  }
  if (const auto* negative = std::get_if<std::int64_t>(value)) return out_of_bounds(full, static_cast<double>(*negative));
  return fail(ErrorCode::kInvalidArgument, std::format("{} is not a whole number", full), "download the file again");
}

Result<std::vector<std::uint32_t>> Metadata::per_layer(std::string_view key, std::size_t layers, std::uint32_t otherwise) const {
  const Value* value = find(key);
  const auto* array = value == nullptr ? nullptr : std::get_if<Array>(value);
  if (array == nullptr) return std::vector<std::uint32_t>(layers, TRY(number(key, otherwise)));
  const std::string full = prefix_ + std::string(key);
  if (array->numbers.size() < layers) {
    return fail(ErrorCode::kInvalidArgument, std::format("{} has {} values for {} layers", full, array->numbers.size(), layers),
                "download the file again");
  }
  std::vector<std::uint32_t> values;
  for (std::size_t i = 0; i < layers; ++i) {
    const double one = array->numbers[i];
    if (!(one >= 0 && one <= kMost)) return out_of_bounds(full, one);
    values.push_back(static_cast<std::uint32_t>(one));
  }
  return values;
}

bool Metadata::flag(std::string_view key, bool otherwise) const {
  const Value* value = find(key);
  const auto* flag = value == nullptr ? nullptr : std::get_if<bool>(value);
  return flag == nullptr ? otherwise : *flag;
}

double Metadata::real(std::string_view key, double otherwise) const {
  const Value* value = find(key);
  const auto* real = value == nullptr ? nullptr : std::get_if<double>(value);
  return real == nullptr ? otherwise : *real;
}

}  // namespace pensieve::gguf
