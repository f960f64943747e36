#include "catalog/catalog.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <format>
#include <ranges>
#include <regex>
#include <set>
#include <system_error>

#include "base/build_features.h"
#include "catalog/projector_match.h"
#include "config/nearest.h"
#include "gguf/summary.h"

namespace pensieve {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxFolderDepth = 3;
constexpr std::size_t kMaxFiles = 10'000;
constexpr int kMaxAliasDepth = 8;
constexpr std::array<std::string_view, 4> kRoles = {"primary", "secondary", "tertiary", "fallback"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::int64_t unix_seconds(fs::file_time_type time) {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::file_clock::to_sys(time).time_since_epoch()).count();
}

InstalledModel to_model(const fs::path& path, const gguf::Summary& summary, fs::file_time_type time) {
  return {.id = {},
          .aliases = {},
          .path = path.string(),
          .architecture = summary.architecture,
          .name = summary.name,
          .quantization = summary.quantization,
          .file_bytes = static_cast<std::int64_t>(summary.file_bytes),
          .parameters = static_cast<std::int64_t>(summary.parameters),
          .context_length = static_cast<std::int64_t>(summary.context_length),
          .kv_bytes_per_token = static_cast<std::int64_t>(summary.kv_bytes_per_token),
          .modified_unix = unix_seconds(time),
          .has_chat_template = summary.has_chat_template,
          .makes_embeddings = summary.makes_embeddings,
          .shape = summary.shape,
          .fingerprint = summary.fingerprint,
          .parents = summary.parents};
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string_view configured(const RolesConfig& roles, std::string_view role) {
  if (role == "primary") return roles.primary;
  if (role == "secondary") return roles.secondary;
  if (role == "tertiary") return roles.tertiary;
  return roles.fallback;
}

}  // namespace

std::string model_id(const fs::path& path) {
  std::string stem = path.stem().string();
  static const std::regex kPart("-[0-9]{5}-of-[0-9]{5}$");
  stem = lower(std::regex_replace(stem, kPart, ""));
  std::string id;
  for (std::size_t i = 0; i < stem.size(); ++i) {
    const auto c = static_cast<unsigned char>(stem[i]);
    const auto digit = [&](std::size_t at) { return at < stem.size() && std::isdigit(static_cast<unsigned char>(stem[at])); };
    const bool point = c == '.' && i > 0 && digit(i - 1) && digit(i + 1);
    id += (std::isalnum(c) && c < 128) || c == '_' || point ? static_cast<char>(c) : '-';
  }
  return id;
}

bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  name.remove_prefix(star);
  for (std::size_t skipped = 0; skipped <= name.size(); ++skipped) {
    if (matches(rest, name.substr(skipped))) return true;
  }
  return false;
}

ModelCatalog::ModelCatalog(fs::path folder, const Config& config, Bytes usable_memory, fs::path adapters)
    : folder_(std::move(folder)),
      adapters_(std::move(adapters)),
      roles_(config.roles),
      paths_(config.models.paths),
      projectors_(config.models.projectors),
      aliases_(config.aliases),
      usable_memory_(usable_memory) {}

void ModelCatalog::look_at(const fs::path& path, std::map<fs::path, Entry>& seen) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) {
    seen[path] = {.reason = std::format("can't be read: {}", error.message())};
    return;
  }
  Entry entry{.size = fs::file_size(real, error), .time = fs::last_write_time(real, error)};
  if (const auto known = files_.find(path); known != files_.end() && !error && known->second.size == entry.size &&
                                            known->second.time == entry.time &&
                                            // A part of a split file may have appeared or gone since.
                                            known->second.reason.empty() && std::ranges::all_of(known->second.parts, is_there)) {
    seen[path] = known->second;
    return;
  }
  if (Result<gguf::Summary> summary = gguf::summarize(path)) {
    entry.model = to_model(path, *summary, entry.time);
    entry.parts = summary->files;
    entry.sectioned_positions = summary->sectioned_positions;
  } else if (Result<gguf::Projector> projector = gguf::read_projector(path)) {
    entry.projector = *std::move(projector);
  } else {
    entry.reason = summary.error().message;
  }
  seen[path] = std::move(entry);
}

void ModelCatalog::scan() {
  std::map<fs::path, Entry> seen;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder_, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::recursive_directory_iterator() && seen.size() < kMaxFiles; entries.increment(error)) {
    if (entries.depth() >= kMaxFolderDepth) entries.disable_recursion_pending();
    std::error_code ignored;
    if (lower(entries->path().extension().string()) == ".gguf" && !entries->is_directory(ignored)) {
      look_at(entries->path(), seen);
    }
  }
  for (const std::string& path : paths_) look_at(path, seen);
  for (const std::string& projector : projectors_) {
    const std::string file = projector.substr(std::min(projector.size(), projector.find('=') + 1));
    if (!file.empty() && !seen.contains(file)) look_at(file, seen);
  }
  files_ = std::move(seen);
  assign_ids();
  assign_projectors();
  assign_roles();
}

void ModelCatalog::assign_ids() {
  models_.clear();
  std::set<std::string> taken;
  for (const auto& [path, entry] : files_) {
    if (!entry.reason.empty() || entry.projector) continue;
    InstalledModel model = entry.model;
    const std::string id = model_id(path);
    model.id = id;
    for (int copy = 2; !taken.insert(model.id).second; ++copy) model.id = std::format("{}-{}", id, copy);
    models_.push_back(std::move(model));
  }
}

// A projector serves the one model beside it, or those that its name names; of several for one model the
// smallest. What the configuration says wins.
void ModelCatalog::assign_projectors() {
  unused_projectors_.clear();
  for (const auto& [path, entry] : files_) {
    if (entry.projector) give_projector(path, entry);
  }
  for (const std::string& setting : projectors_) {
    const std::size_t equals = setting.find('=');
    const auto model = std::ranges::find(models_, lower(setting.substr(0, equals)), &InstalledModel::id);
    if (model == models_.end()) continue;
    model->projector.clear();
    model->projector_bytes = 0;
    const auto file = files_.find(setting.substr(std::min(setting.size(), equals + 1)));
    if (file == files_.end() || !file->second.projector || !reads_images()) continue;
    model->projector = file->first.string();
    model->projector_bytes = static_cast<std::int64_t>(file->second.projector->bytes());
    unused_projectors_.erase(file->first);
  }
}

void ModelCatalog::give_projector(const fs::path& path, const Entry& entry) {
  if (!reads_images()) {
    unused_projectors_[path] = "a projector: this build can't use it (it has no libmtmd)";
    return;
  }
  std::vector<InstalledModel*> beside;
  for (InstalledModel& model : models_) {
    if (!model.makes_embeddings && fs::path(model.path).parent_path() == path.parent_path()) beside.push_back(&model);
  }
  if (beside.size() != 1) std::erase_if(beside, [&](const InstalledModel* model) { return !names_model(model_id(path), model->id); });
  if (beside.empty()) {
    unused_projectors_[path] =
        "a projector of no model here: put it into its model's folder or name it as that is named, or set models.projectors";
  }
  const auto bytes = static_cast<std::int64_t>(entry.projector->bytes());
  for (InstalledModel* model : beside) {
    if (files_[model->path].sectioned_positions) {
      unused_projectors_[path] = std::format("a projector: images of the architecture '{}' can't be read", model->architecture);
    } else if (model->projector.empty() || bytes < model->projector_bytes) {
      model->projector = path.string();
      model->projector_bytes = bytes;
    }
  }
}

const InstalledModel* ModelCatalog::find(std::string_view id) const {
  const auto found = std::ranges::find(models_, id, &InstalledModel::id);
  return found == models_.end() ? nullptr : &*found;
}

// Roles that are not configured: primary, secondary and tertiary go to the largest model that fits,
// chat models before others; fallback to the smallest.
void ModelCatalog::assign_roles() {
  role_models_.clear();
  std::vector<const InstalledModel*> order;
  for (const InstalledModel& model : models_) {
    if (!model.makes_embeddings) order.push_back(&model);
  }
  std::ranges::sort(order, {}, [this](const InstalledModel* model) {
    const bool fits = Bytes{model->file_bytes} <= usable_memory_;
    return std::tuple(!fits, !model->has_chat_template, fits ? -model->file_bytes : model->file_bytes, model->id);
  });
  for (const std::string_view role : kRoles) {
    if (const std::string_view wanted = configured(roles_, role); !wanted.empty()) {
      if (const auto resolved = follow(wanted, 1)) role_models_[std::string(role)] = resolved->id;
      continue;
    }
    if (order.empty()) continue;
    const InstalledModel* chosen = order.front();
    if (role == "fallback") {
      for (const InstalledModel* model : order) {
        if (model->has_chat_template == chosen->has_chat_template && model->file_bytes < chosen->file_bytes) chosen = model;
      }
    }
    role_models_[std::string(role)] = chosen->id;
  }
  for (InstalledModel& model : models_) {
    for (const auto& [role, id] : role_models_) {
      if (id == model.id) model.aliases.push_back(role);
    }
  }
}

Result<ResolvedName> ModelCatalog::by_role(std::string_view role, bool fixed, std::string_view automatic) const {
  if (const auto found = role_models_.find(role); found != role_models_.end()) {
    return ResolvedName{found->second, fixed, std::string(automatic)};
  }
  if (models_.empty()) {
    return fail(ErrorCode::kNotFound, "no model is installed", std::format("put a .gguf file into '{}'", folder_.string()), "model");
  }
  return fail(ErrorCode::kNotFound, std::format("the role '{}' is set to '{}', which is not installed", role, configured(roles_, role)),
              "correct roles in config.toml; `pensieve status` shows the installed models", "model");
}

Result<ResolvedName> ModelCatalog::follow(std::string_view asked, int depth) const {
  const std::string name = lower(asked);
  if (const InstalledModel* model = find(name)) return ResolvedName{model->id, true};
  if (name.empty() || name == "auto" || name == "default") return by_role("primary", false, "auto");
  if (name == "auto:fast") return by_role("fallback", false, name);
  if (name == "auto:best") return by_role("tertiary", false, name);
  if (depth == 0 && std::ranges::find(kRoles, name) != kRoles.end()) return by_role(name, true);
  if (const auto copy = names_.find(name); copy != names_.end()) {
    if (const InstalledModel* model = find(copy->second)) return ResolvedName{model->id, true};
  }
  const std::string* target = nullptr;
  std::string_view matched;
  for (const auto& [pattern, model] : aliases_) {
    // The longest pattern says most.
    if (matches(lower(pattern), name) && pattern.size() >= matched.size()) {
      matched = pattern;
      target = &model;
    }
  }
  if (target != nullptr && depth < kMaxAliasDepth) {
    if (std::ranges::find(kRoles, *target) != kRoles.end()) return by_role(*target, true);
    return follow(*target, depth + 1);
  }
  if (const InstalledModel* model = find(model_id(name + (name.ends_with(".gguf") ? "" : ".gguf")))) {
    return ResolvedName{model->id, true};
  }
  // A name without its quantization, if only one model has it.
  std::vector<std::string> begins;
  std::vector<std::string> known;
  for (const InstalledModel& model : models_) {
    known.push_back(model.id);
    if (model.id.starts_with(name + "-")) begins.push_back(model.id);
  }
  if (begins.size() == 1) return ResolvedName{begins.front(), true};
  const std::string shown(asked.substr(0, 200));
  std::string advice = models_.empty() ? std::format("put a .gguf file into '{}'", folder_.string())
                                       : std::format("did you mean '{}'? `pensieve status` shows all; 'auto' lets the server choose",
                                                     nearest(name, begins.empty() ? known : begins));
  return fail(ErrorCode::kNotFound, std::format("model '{}' is not installed", shown), std::move(advice), "model");
}

Result<ResolvedName> ModelCatalog::resolve(std::string_view name) {
  scan();
  return name.contains('+') ? with_adapters(name) : follow(name, 0);
}

// "base+sql+tone": a model and adapters for it. Where the model is left to the server, the first
// adapter's is meant.
Result<ResolvedName> ModelCatalog::with_adapters(std::string_view name) const {
  const std::size_t plus = name.find('+');
  ResolvedName resolved = TRY(follow(name.substr(0, plus), 0));
  const std::vector<InstalledAdapter> installed = adapters_.list();
  std::string_view rest = name.substr(plus);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view wanted = rest.substr(0, rest.find('+'));
    rest.remove_prefix(wanted.size());
    const auto adapter = std::ranges::find(installed, wanted, &InstalledAdapter::name);
    if (adapter == installed.end()) return std::unexpected(unknown_adapter(wanted, installed));
    if (!resolved.fixed) resolved = {.id = adapter->model};
    resolved.adapters.emplace_back(wanted);
  }
  return resolved;
}

std::vector<InstalledModel> ModelCatalog::models() {
  scan();
  return models_;
}

std::vector<SkippedFile> ModelCatalog::skipped() {
  scan();
  std::vector<SkippedFile> skipped;
  for (const auto& [path, entry] : files_) {
    if (!entry.reason.empty()) skipped.push_back({path.string(), entry.reason});
  }
  for (const auto& [path, reason] : unused_projectors_) skipped.push_back({path.string(), reason});
  return skipped;
}

}  // namespace pensieve
