#include "catalog/model_names.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <toml++/toml.hpp>

#include "base/log.h"
#include "base/paths.h"

namespace pensieve {
namespace {

constexpr std::size_t kLongestName = 200;

bool usable(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](unsigned char c) {
    return std::isdigit(c) || (c >= 'a' && c <= 'z') || std::string_view("-_.:/").contains(static_cast<char>(c));
  });
}

}  // namespace

ModelNames::ModelNames(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code ignored;
  if (!std::filesystem::exists(file_, ignored)) return;
  try {
    for (const auto& [name, id] : toml::parse_file(file_.string())) {
      const auto text = id.value<std::string>();
      if (text && usable(name.str()) && names_.size() < kMost) names_.emplace(name.str(), *text);
    }
  } catch (const std::exception& error) {
    spdlog::warn("the names of models in {} can't be read and are left out: {}", file_.string(), error.what());
  }
}

Result<void> ModelNames::set(std::string_view name, std::string_view id) {
  if (!usable(name)) {
    return fail(ErrorCode::kInvalidArgument, std::format("'{}' can't be a model's name", name.substr(0, kLongestName)),
                "use up to 200 lower case letters, digits and - _ . : /", "destination");
  }
  NameMap names = names_;
  names.insert_or_assign(std::string(name), std::string(id));
  if (names.size() > kMost) return fail(ErrorCode::kInvalidArgument, std::format("there are {} names already", kMost), "delete one first");
  return save(std::move(names));
}

Result<void> ModelNames::remove(std::string_view name) {
  NameMap names = names_;
  if (const auto found = names.find(name); found != names.end()) names.erase(found);
  return save(std::move(names));
}

// Names and ids hold no character that TOML would want escaped.
Result<void> ModelNames::save(NameMap names) {
  std::string text;
  for (const auto& [name, id] : names) text += std::format("\"{}\" = \"{}\"\n", name, id);
  TRY_VOID(write_file_atomically(file_, text));
  names_ = std::move(names);
  return {};
}

}  // namespace pensieve
