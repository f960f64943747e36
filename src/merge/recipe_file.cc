// The TOML form of a recipe.
#include <filesystem>
#include <format>
#include <fstream>
#include <sstream>
#include <toml++/toml.hpp>

#include "merge/recipe.h"

namespace pensieve::merge {
namespace {

constexpr std::uintmax_t kMostBytes = 1'000'000;

std::unexpected<Error> wrong(const std::string& source, const toml::node& node, std::string_view message) {
  return fail(ErrorCode::kInvalidArgument, std::format("{}, line {}: {}", source, node.source().begin.line, message),
              "docs/specialists.md describes the keys of a recipe");
}

Result<std::vector<double>> numbers(const std::string& source, std::string_view key, const toml::node& node) {
  std::vector<double> values;
  if (const auto one = node.value<double>()) {
    values.push_back(*one);
  } else if (const toml::array* list = node.as_array()) {
    for (const toml::node& element : *list) {
      const auto value = element.value<double>();
      if (!value) return wrong(source, element, std::format("{} holds what is no number", key));
      values.push_back(*value);
    }
  }
  if (values.empty()) return wrong(source, node, std::format("{} is neither a number nor a list of numbers", key));
  return values;
}

Result<Curve> curve(const std::string& source, const toml::node& node) {
  const Curve read{TRY(numbers(source, "t", node))};
  Result<Curve> checked = parse_curve(read.text());
  if (!checked) return wrong(source, node, checked.error().message);
  return checked;
}

Result<std::string> text(const std::string& source, std::string_view key, const toml::node& node) {
  const auto value = node.value<std::string>();
  if (!value || value->empty()) return wrong(source, node, std::format("{} is no text", key));
  return *value;
}

Result<void> read_filters(const std::string& source, const toml::node& node, Recipe& recipe) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return wrong(source, node, "filters are written as [[filter]]");
  for (const toml::node& element : *list) {
    const toml::table* table = element.as_table();
    const toml::node* tensor = table == nullptr ? nullptr : table->get("tensor");
    const toml::node* t = table == nullptr ? nullptr : table->get("t");
    if (tensor == nullptr || t == nullptr || table->size() != 2) return wrong(source, element, "a filter has the keys tensor and t");
    recipe.filters.push_back({TRY(text(source, "tensor", *tensor)), TRY(curve(source, *t))});
  }
  return {};
}

Result<void> read_key(const std::string& source, std::string_view key, const toml::node& node, Recipe& recipe) {
  if (key == "method") {
    const Result<Method> method = parse_method(TRY(text(source, key, node)));
    if (!method) return wrong(source, node, method.error().message);
    recipe.method = *method;
  } else if (key == "t") {
    recipe.t = TRY(curve(source, node));
  } else if (key == "weights") {
    recipe.weights = TRY(numbers(source, key, node));
  } else if (key == "type") {
    recipe.type = TRY(text(source, key, node));
  } else if (key == "filter") {
    TRY_VOID(read_filters(source, node, recipe));
  } else {
    return wrong(source, node, std::format("unknown key '{}'; known are method, t, weights, type and filter", key));
  }
  return {};
}

}  // namespace

Result<Recipe> parse_recipe(std::string_view toml, const std::string& source) {
  try {
    const toml::table table = toml::parse(toml, source);
    Recipe recipe;
    for (const auto& [key, node] : table) TRY_VOID(read_key(source, key.str(), node, recipe));
    return recipe;
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("{}, line {}: {}", source, error.source().begin.line, error.description()),
                "correct the file");
  }
}

Result<Recipe> read_recipe(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file)
    return fail(ErrorCode::kIo, std::format("can't read the recipe '{}'", path.string()), "check its name and permissions");
  if (size > kMostBytes) return fail(ErrorCode::kTooLarge, std::format("the recipe '{}' is over 1 MB", path.string()), "name a TOML file");
  std::stringstream content;
  content << file.rdbuf();
  return parse_recipe(content.str(), path.string());
}

}  // namespace pensieve::merge
