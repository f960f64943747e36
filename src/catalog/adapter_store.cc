#include "catalog/adapter_store.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <memory>
#include <sstream>
#include <system_error>
#include <toml++/toml.hpp>

#include "base/paths.h"
#include "config/nearest.h"
#include "gguf/adapter.h"
#include "gguf/source.h"
#include "gguf/summary.h"

namespace pensieve {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostAdapters = 256;
constexpr std::size_t kMostNameBytes = 64;
constexpr double kMostScale = 100;

Result<void> check_order(const AdapterOrder& order) {
  const bool plain = std::ranges::all_of(order.name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!plain || order.name.empty() || order.name.size() > kMostNameBytes) {
    return fail(ErrorCode::kInvalidArgument, std::format("'{}' is no name for an adapter", order.name),
                "use up to 64 letters, digits, - and _");
  }
  if (!(std::abs(order.scale) <= kMostScale)) {
    return fail(ErrorCode::kInvalidArgument, std::format("the scale {} is not between -100 and 100", order.scale), "1 is the usual one");
  }
  return {};
}

Result<gguf::Adapter> read_adapter_file(const fs::path& file) {
  const std::unique_ptr<gguf::Source> source = TRY(gguf::open_file(file));
  return gguf::read_adapter(TRY(gguf::read_header(*source)));
}

Result<void> check_base(const gguf::Adapter& adapter, const InstalledModel& model) {
  std::vector<gguf::Tensor> tensors;
  for (const fs::path& part : TRY(gguf::summarize(model.path)).files) {
    const std::unique_ptr<gguf::Source> source = TRY(gguf::open_file(part));
    for (gguf::Tensor& tensor : TRY(gguf::read_header(*source)).tensors) tensors.push_back(std::move(tensor));
  }
  return gguf::check_adapter(adapter, model.architecture, tensors);
}

std::string description(const InstalledAdapter& adapter) {
  toml::array domains;
  for (const std::string& domain : adapter.domains) domains.push_back(domain);
  std::stringstream text;
  text << toml::table{{"model", adapter.model},
                      {"scale", adapter.scale},
                      {"domains", domains},
                      {"rank", adapter.rank},
                      {"added_from", adapter.added_from}}
       << "\n";
  return text.str();
}

}  // namespace

fs::path AdapterStore::file(std::string_view name, std::string_view ending) const {
  return folder_ / (std::string(name) + std::string(ending));
}

std::vector<InstalledAdapter> AdapterStore::list() const {
  std::vector<InstalledAdapter> adapters;
  std::error_code error;
  if (folder_.empty()) return adapters;
  for (fs::directory_iterator entry(folder_, error); !error && entry != fs::directory_iterator() && adapters.size() < kMostAdapters;
       entry.increment(error)) {
    if (entry->path().extension() != ".toml") continue;
    try {
      const toml::table table = toml::parse_file(entry->path().string());
      InstalledAdapter adapter{.name = entry->path().stem().string(),
                               .model = table["model"].value_or(std::string()),
                               .scale = table["scale"].value_or(1.0),
                               .added_from = table["added_from"].value_or(std::string()),
                               .rank = table["rank"].value_or(std::int64_t{0})};
      if (const toml::array* domains = table["domains"].as_array()) {
        for (const toml::node& domain : *domains) adapter.domains.push_back(domain.value_or(std::string()));
      }
      const fs::path data = file(adapter.name, ".gguf");
      std::error_code missing;
      adapter.path = data.string();
      adapter.file_bytes = static_cast<std::int64_t>(fs::file_size(data, missing));
      if (!missing && !adapter.model.empty()) adapters.push_back(std::move(adapter));
    } catch (const toml::parse_error&) {
      continue;
    }
  }
  std::ranges::sort(adapters, {}, &InstalledAdapter::name);
  return adapters;
}

Result<AddedAdapter> AdapterStore::add(const AdapterOrder& order, const InstalledModel& model) const {
  TRY_VOID(check_order(order));
  const Result<gguf::Adapter> adapter = read_adapter_file(order.file);
  if (!adapter) return std::unexpected(with_context(adapter.error(), std::format("'{}'", order.file.string())));
  TRY_VOID(check_base(*adapter, model));
  const fs::path data = file(order.name, ".gguf");
  std::error_code error;
  if (fs::exists(file(order.name, ".toml"), error)) {
    return fail(ErrorCode::kInvalidArgument, std::format("an adapter '{}' is installed", order.name),
                std::format("choose another --name, or `pensieve adapter rm {}` first", order.name));
  }
  TRY_VOID(ensure_folder(folder_));
  const fs::path part = file(order.name, ".gguf.part");
  if (!fs::copy_file(order.file, part, fs::copy_options::overwrite_existing, error) || error) {
    std::error_code ignored;
    fs::remove(part, ignored);
    return fail(ErrorCode::kIo, std::format("can't copy to '{}': {}", part.string(), error.message()), "free some disk space");
  }
  fs::rename(part, data, error);
  if (error)
    return fail(ErrorCode::kIo, std::format("can't write '{}': {}", data.string(), error.message()), "check the folder's permissions");
  AddedAdapter added{.adapter = {.name = order.name,
                                 .model = model.id,
                                 .path = data.string(),
                                 .scale = order.scale,
                                 .domains = order.domains,
                                 .added_from = fs::absolute(order.file, error).string(),
                                 .file_bytes = static_cast<std::int64_t>(fs::file_size(data, error)),
                                 .rank = static_cast<std::int64_t>(adapter->largest_rank())},
                     .skipped_tensors = adapter->skipped};
  TRY_VOID(write_file_atomically(file(order.name, ".toml"), description(added.adapter)));
  return added;
}

Result<void> AdapterStore::remove(std::string_view name) const {
  const std::vector<InstalledAdapter> installed = list();
  if (std::ranges::find(installed, name, &InstalledAdapter::name) == installed.end())
    return std::unexpected(unknown_adapter(name, installed));
  for (const std::string_view ending : {".toml", ".gguf"}) {
    std::error_code error;
    fs::remove(file(name, ending), error);
    if (error) return fail(ErrorCode::kIo, std::format("can't remove '{}': {}", file(name, ending).string(), error.message()));
  }
  return {};
}

Error unknown_adapter(std::string_view name, const std::vector<InstalledAdapter>& installed) {
  std::vector<std::string> names;
  for (const InstalledAdapter& adapter : installed) names.push_back(adapter.name);
  return {ErrorCode::kNotFound, std::format("adapter '{}' is not installed", name.substr(0, 200)),
          names.empty()
              ? "`pensieve adapter add` installs one"
              : std::format("did you mean '{}'? `pensieve adapter list` shows all", nearest(std::string(name.substr(0, 200)), names)),
          "lora"};
}

}  // namespace pensieve
