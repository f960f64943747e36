// config: settings with their sources, and changes to config.toml.
#include <format>
#include <fstream>
#include <glaze/glaze.hpp>
#include <print>
#include <sstream>

#include "cli.h"
#include "config/edit.h"
#include "present.h"

namespace pensieve::cli {
namespace config_json {  // glaze reads the names of fields only of types with linkage

struct Setting {
  std::string key;
  glz::raw_json value;
  glz::raw_json default_value;
  std::string source;
  std::string environment;
  std::string help;
};

struct Settings {
  std::string file;
  bool file_exists = false;
  std::vector<Setting> settings;
};

}  // namespace config_json
namespace {

namespace fs = std::filesystem;

std::string text_json(const std::string& text) { return glz::write_json(text).value_or("\"\""); }

std::string value_json(ConfigKind kind, const std::string& value) {
  if (kind == ConfigKind::kNumber || kind == ConfigKind::kBoolean) return value;
  if (kind == ConfigKind::kText) return text_json(value);
  std::string list;
  std::istringstream parts(value);
  for (std::string part; std::getline(parts, part, ',');) list += (list.empty() ? "" : ",") + text_json(part);
  return "[" + list + "]";
}

// All keys, then the aliases.
Result<std::vector<ConfigEntry>> entries(const Config& config) {
  std::vector<ConfigEntry> all = describe_config(config);
  for (const auto& [name, model] : config.aliases) all.push_back(TRY(find_config_entry(config, "aliases." + name)));
  return all;
}

config_json::Setting setting_json(const ConfigEntry& entry) {
  return {entry.key,
          {value_json(entry.kind, entry.value)},
          {value_json(entry.kind, entry.default_value)},
          std::string(to_string(entry.source)),
          entry.environment,
          entry.help};
}

Result<void> show_all(bool json) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  const std::vector<ConfigEntry> all = TRY(entries(settings));
  std::error_code ignored;
  const bool exists = fs::exists(where.config_file, ignored);
  if (json) {
    config_json::Settings listed{.file = where.config_file.string(), .file_exists = exists, .settings = {}};
    for (const ConfigEntry& entry : all) listed.settings.push_back(setting_json(entry));
    std::println("{}", glz::write_json(listed).value_or("{}"));
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const ConfigEntry& entry : all) {
    rows.push_back({entry.key, entry.value, std::string(to_string(entry.source)), entry.key.starts_with("aliases.") ? "" : entry.help});
  }
  std::print("{}", render_table({{"SETTING"}, {"VALUE", false, true}, {"SOURCE"}, {"WHAT IT IS", false, true}}, rows, table_style()));
  std::println("\nfile: {}{}", where.config_file.string(), exists ? "" : " (not there; `pensieve config init` makes one)");
  return {};
}

Result<void> get(const std::string& key, bool json) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  const ConfigEntry entry = TRY(find_config_entry(settings, key));
  std::println("{}", json ? glz::write_json(setting_json(entry)).value_or("{}") : entry.value);
  return {};
}

Result<std::string> file_text(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::string();
  std::ifstream stream(file, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(ErrorCode::kIo, std::format("can't read '{}'", file.string()), "check its permissions");
  return text.str();
}

// A link stays a link: what it leads to is replaced.
Result<void> write_config(const Paths& where, std::string_view text) {
  std::error_code error;
  const fs::path target = fs::weakly_canonical(where.config_file, error);
  const fs::path file = error ? where.config_file : target;
  TRY_VOID(ensure_folder(file.parent_path()));
  return write_file_atomically(file, text);
}

Result<void> set(const std::string& key, const std::string& value) {
  const Paths where = TRY(paths());
  const std::string before = TRY(file_text(where.config_file));
  const std::string after = TRY(set_in_config_text(before, key, value));
  TRY_VOID(write_config(where, after));
  const Config settings = TRY(config(where));
  const ConfigEntry now = TRY(find_config_entry(settings, key));
  std::println("{} = {} in {}", key, now.source == ConfigSource::kFile ? now.value : value, where.config_file.string());
  if (now.source == ConfigSource::kEnvironment) {
    std::println(stderr, "note: {} is set in the environment and wins over the file", now.environment);
  }
  if (find_server(where)) std::println(stderr, "note: the running server takes it up when it is started again");
  return {};
}

Result<void> init() {
  const Paths where = TRY(paths());
  std::error_code ignored;
  if (fs::exists(where.config_file, ignored)) {
    return fail(ErrorCode::kInvalidArgument, std::format("'{}' is there already", where.config_file.string()),
                "change it with `pensieve config set KEY VALUE`, or move it away first");
  }
  TRY_VOID(write_config(where, commented_config()));
  std::println("{}", where.config_file.string());
  return {};
}

}  // namespace

void add_config(CLI::App& app, Run& chosen) {
  static bool json = false;
  static std::string key;
  static std::string value;
  CLI::App* command = add_command(app, "config", "Show all settings with where they come from, or change one",
                                  "pensieve config set server.port 9000", chosen, [] { return show_all(json); });
  command->require_subcommand(0, 1);
  command->add_flag("--json", json, "print JSON");
  add_command(*command, "path", "Print where config.toml is", "pensieve config path", chosen, []() -> Result<void> {
    std::println("{}", TRY(paths()).config_file.string());
    return {};
  });
  CLI::App* getter =
      add_command(*command, "get", "Print one setting", "pensieve config get server.port", chosen, [] { return get(key, json); });
  getter->add_option("key", key, "for example server.port")->required();
  getter->add_flag("--json", json, "print JSON");
  CLI::App* setter = add_command(*command, "set", "Set one setting in config.toml; comments stay",
                                 "pensieve config set roles.primary mistral-7b", chosen, [] { return set(key, value); });
  setter->add_option("key", key, "for example server.port, or aliases.NAME")->required();
  setter->add_option("value", value, "its value; a list's elements are separated by commas")->required();
  add_command(*command, "init", "Write a config.toml with every setting and its help, commented out", "pensieve config init", chosen,
              [] { return init(); });
}

}  // namespace pensieve::cli
