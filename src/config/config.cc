#include "config/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <format>
#include <functional>
#include <limits>
#include <sstream>
#include <toml++/toml.hpp>
#include <type_traits>

#include "base/sha256.h"
#include "config/nearest.h"

namespace pensieve {
namespace {

// One settable key: where it lives and how text becomes its value.
struct Key {
  std::string name;
  ConfigKind kind;
  std::string help;
  std::function<Result<void>(Config&, std::string_view)> set;
  std::function<std::string(const Config&)> get;
};

std::unexpected<Error> wrong(const std::string& name, std::string_view text, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument, std::format("{} = '{}' is not {}", name, text, wanted),
              std::format("`pensieve serve --help` says what {} means", name), name);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  std::istringstream stream{std::string(text)};
  while (std::getline(stream, part, ',')) {
    const std::size_t first = part.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    parts.push_back(part.substr(first, part.find_last_not_of(" \t") - first + 1));
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

template <typename T>
Key number(std::string name, std::string help, T& (*at)(Config&), T low, T high) {
  return {name, ConfigKind::kNumber, std::move(help),
          [name, at, low, high](Config& config, std::string_view text) -> Result<void> {
            T value{};
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
              return wrong(name, text, std::format("a whole number from {} to {}", low, high));
            }
            at(config) = value;
            return {};
          },
          [at](const Config& config) { return std::format("{}", at(const_cast<Config&>(config))); }};
}

Key text(std::string name, std::string help, std::string& (*at)(Config&), std::vector<std::string> choices = {}) {
  return {name, ConfigKind::kText, std::move(help),
          [name, at, choices](Config& config, std::string_view value) -> Result<void> {
            if (!choices.empty() && std::ranges::find(choices, value) == choices.end()) {
              return wrong(name, value, "one of " + join(choices));
            }
            at(config) = value;
            return {};
          },
          [at](const Config& config) { return at(const_cast<Config&>(config)); }};
}

Key list(std::string name, std::string help, std::vector<std::string>& (*at)(Config&)) {
  return {name, ConfigKind::kList, std::move(help),
          [at](Config& config, std::string_view value) -> Result<void> {
            at(config) = split(value);
            return {};
          },
          [at](const Config& config) { return join(at(const_cast<Config&>(config))); }};
}

Key boolean(std::string name, std::string help, bool& (*at)(Config&)) {
  return {name, ConfigKind::kBoolean, std::move(help),
          [name, at](Config& config, std::string_view value) -> Result<void> {
            if (value != "true" && value != "false") return wrong(name, value, "true or false");
            at(config) = value == "true";
            return {};
          },
          [at](const Config& config) { return at(const_cast<Config&>(config)) ? "true" : "false"; }};
}

// Keys are kept as their hashes from the moment they are read.
Key api_keys() {
  return {"server.api_keys", ConfigKind::kList, "keys that clients must send, as text or sha256:HEX; none: no key needed",
          [](Config& config, std::string_view value) -> Result<void> {
            config.server.api_key_hashes.clear();
            for (const std::string& key : split(value)) {
              config.server.api_key_hashes.push_back(key.starts_with("sha256:") ? key : "sha256:" + sha256_hex(key));
            }
            return {};
          },
          [](const Config& config) { return join(config.server.api_key_hashes); }};
}

#define FIELD(path) [](Config& c) -> auto& { return c.path; }

const std::vector<Key>& keys() {
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t kTera = 1'000'000'000'000'000;
  static const std::vector<Key> table = {
      text("server.host", "address to listen on; other than loopback needs server.api_keys", FIELD(server.host)),
      number<std::uint16_t>("server.port", "port to listen on; 0: any free one", FIELD(server.port), 0, 65535),
      api_keys(),
      list("server.allowed_hosts", "further names that the Host header may have", FIELD(server.allowed_hosts)),
      list("server.allowed_origins", "further web origins that may call; *: any", FIELD(server.allowed_origins)),
      number<std::int64_t>("server.max_body_bytes", "largest request body", FIELD(server.max_body_bytes), 1024, 1'000'000'000),
      number<std::int32_t>("server.max_connections", "most connections at once", FIELD(server.max_connections), 1, 100'000),
      number<std::int32_t>("server.header_timeout_s", "seconds for a whole request head", FIELD(server.header_timeout_s), 1, 3600),
      number<std::int32_t>("server.body_timeout_s", "seconds for a whole request body", FIELD(server.body_timeout_s), 1, 3600),
      number<std::int32_t>("server.idle_timeout_s", "seconds between requests of a connection", FIELD(server.idle_timeout_s), 1, 86400),
      number<std::int32_t>("server.write_timeout_s", "seconds for a client to take what is sent", FIELD(server.write_timeout_s), 1, 3600),
      number<std::int32_t>("server.ping_interval_s", "seconds of silence after which a stream gets a ping", FIELD(server.ping_interval_s),
                           1, 3600),
      number<std::int32_t>("server.stop_grace_s", "seconds that running answers get when the server stops", FIELD(server.stop_grace_s), 0,
                           3600),
      number<std::int32_t>("engine.context_tokens", "tokens of a model's cache; 0: as trained, at most 8192", FIELD(engine.context_tokens),
                           0, 16'777'216),
      number<std::int32_t>("engine.parallel", "requests in one batch of a model", FIELD(engine.parallel), 1, 64),
      number<std::int32_t>("engine.batch_tokens", "most tokens of one step", FIELD(engine.batch_tokens), 32, 8192),
      number<std::int32_t>("engine.threads", "threads; 0: one a physical core", FIELD(engine.threads), 0, 1024),
      number<std::int32_t>("engine.gpu_layers", "layers on the GPU; -1: all", FIELD(engine.gpu_layers), -1, kMost),
      text("engine.cache_type", "type of the KV cache: f16, q8_0, q4_0", FIELD(engine.cache_type), {"f16", "q8_0", "q4_0"}),
      number<std::int32_t>("engine.experts_used", "experts that a mixture uses for each token; 0: the model's own number",
                           FIELD(engine.experts_used), 0, 4096),
      number<std::int32_t>("engine.queue_limit", "waiting requests of a model before 429", FIELD(engine.queue_limit), 0, 100'000),
      number<std::int32_t>("engine.load_timeout_s", "seconds for loading a model", FIELD(engine.load_timeout_s), 1, 86400),
      number<std::int32_t>("engine.hang_timeout_s", "seconds after which a silent worker is replaced", FIELD(engine.hang_timeout_s), 1,
                           3600),
      number<std::int32_t>("engine.step_timeout_s", "seconds after which a worker whose step does not end is replaced",
                           FIELD(engine.step_timeout_s), 1, 86400),
      number<std::int32_t>("engine.idle_unload_s", "seconds after which an unused model is unloaded; 0: when the memory is needed",
                           FIELD(engine.idle_unload_s), 0, kMost),
      number<std::int32_t>("engine.switch_wait_ms",
                           "milliseconds that loaded models may go on with new requests while another model waits for their memory",
                           FIELD(engine.switch_wait_ms), 0, 3'600'000),
      text("engine.failover", "where an answer goes on whose worker is lost: any model, the same one, or off", FIELD(engine.failover),
           {"any", "same", "off"}),
      text("engine.speculation", "tokens guessed ahead from repetitions in the text: auto, where that pays, or off",
           FIELD(engine.speculation), {"auto", "off"}),
      boolean("engine.spare_worker", "keep a started worker ready for the next model", FIELD(engine.spare_worker)),
      number<std::int64_t>("cache.disk_bytes",
                           "most bytes of kept conversations on disk; -1: 8 GB, at most 5 % of what is free; 0: none are kept",
                           FIELD(cache.disk_bytes), -1, kTera),
      text("cache.folder", "folder of kept conversations; empty: kv beside the models folder", FIELD(cache.folder)),
      text("roles.primary", "model for most tasks", FIELD(roles.primary)),
      text("roles.secondary", "model for general reasoning", FIELD(roles.secondary)),
      text("roles.tertiary", "model for the highest quality", FIELD(roles.tertiary)),
      text("roles.fallback", "small model for when memory is short", FIELD(roles.fallback)),
      number<std::int64_t>("memory.limit_bytes", "memory for all models; 0: 12 GB of 16, in this proportion", FIELD(memory.limit_bytes), 0,
                           kTera),
      number<std::int64_t>("memory.margin_bytes", "memory always left free", FIELD(memory.margin_bytes), 0, kTera),
      text("models.folder", "folder of GGUF files; empty: models in the data folder", FIELD(models.folder)),
      list("models.paths", "further GGUF files to serve", FIELD(models.paths)),
      list("models.pinned", "models that stay loaded", FIELD(models.pinned)),
      list("models.preload", "models that are loaded at start", FIELD(models.preload)),
      list("models.projectors", "MODEL=FILE each: the projector (mmproj) that a model sees images with; MODEL= for none",
           FIELD(models.projectors)),
      text("routing.policy", "how auto chooses: smart, or classic for the fixed table by role", FIELD(routing.policy),
           {"smart", "classic"}),
      text("routing.quality", "quality that auto aims at: good, high or maximum", FIELD(routing.quality), {"good", "high", "maximum"}),
      text("routing.performance", "weight of speed for auto: low, medium or high", FIELD(routing.performance), {"low", "medium", "high"}),
      number<std::int32_t>("routing.min_tokens_per_second", "least tokens a second of a chosen model; 0: no floor",
                           FIELD(routing.min_tokens_per_second), 0, 100'000),
      number<std::int32_t>("routing.max_ttft_ms", "longest wait for the first token of a chosen model; 0: no limit",
                           FIELD(routing.max_ttft_ms), 0, kMost),
      boolean("monitor.enabled", "adapt to the machine's memory, heat and speed", FIELD(monitor.enabled)),
      number<std::int32_t>("monitor.interval_ms", "milliseconds between two readings of the machine", FIELD(monitor.interval_ms), 50, 1000),
      number<std::int32_t>("monitor.downgrade_memory_percent", "memory used from which a smaller model answers",
                           FIELD(monitor.downgrade_memory_percent), 1, 100),
      number<std::int32_t>("monitor.downgrade_swap_pages", "pages swapped a second from which a smaller model answers",
                           FIELD(monitor.downgrade_swap_pages), 0, kMost),
      number<std::int32_t>("monitor.downgrade_temperature", "degrees Celsius from which a smaller model answers",
                           FIELD(monitor.downgrade_temperature), 1, 150),
      number<std::int32_t>("monitor.downgrade_tokens_per_second", "speed of answers below which a smaller model answers",
                           FIELD(monitor.downgrade_tokens_per_second), 0, 100'000),
      number<std::int32_t>("monitor.upgrade_memory_percent", "memory used by other programs below which a larger model comes back",
                           FIELD(monitor.upgrade_memory_percent), 0, 100),
      number<std::int32_t>("monitor.upgrade_temperature", "degrees Celsius below which a larger model comes back",
                           FIELD(monitor.upgrade_temperature), 0, 150),
      number<std::int32_t>("monitor.upgrade_tokens_per_second", "speed over which a larger model of unknown speed comes back",
                           FIELD(monitor.upgrade_tokens_per_second), 0, 100'000),
      number<std::int32_t>("monitor.throttle_temperature", "degrees Celsius from which the server slows down",
                           FIELD(monitor.throttle_temperature), 1, 150),
      number<std::int64_t>("monitor.shrink_free_bytes", "free memory below which idle models leave it", FIELD(monitor.shrink_free_bytes), 0,
                           kTera),
      number<std::int64_t>("monitor.critical_free_bytes", "free memory below which new requests get 503",
                           FIELD(monitor.critical_free_bytes), 0, kTera),
      number<std::int64_t>("monitor.emergency_free_bytes", "free memory below which every idle model is unloaded at once",
                           FIELD(monitor.emergency_free_bytes), 0, kTera),
      number<std::int32_t>("monitor.recovery_s", "seconds of calm before things get better", FIELD(monitor.recovery_s), 1, 86400),
      number<std::int32_t>("monitor.cooldown_s", "least seconds between two changes", FIELD(monitor.cooldown_s), 1, 86400),
      text("monitor.replay_readings", "file of recorded readings to follow in place of the machine's", FIELD(monitor.replay_readings)),
      text("monitor.record_readings", "file to record the machine's readings in", FIELD(monitor.record_readings)),
      text("tiers.triage", "ask a small model about requests whose class is in doubt: off, on, or auto where that costs little",
           FIELD(tiers.triage), {"off", "on", "auto"}),
      text("tiers.cascade", "let a small model answer first and a larger one if that is doubtful: off, on, or auto while that saves time",
           FIELD(tiers.cascade), {"off", "on", "auto"}),
      number<std::int32_t>("tiers.cascade_tokens", "tokens of the small model's answer that are judged before any is sent",
                           FIELD(tiers.cascade_tokens), 1, 256),
      number<std::int32_t>("tiers.cascade_confidence", "least mean probability of those tokens, in percent",
                           FIELD(tiers.cascade_confidence), 1, 99),
      text("log.level", "trace, debug, info, warn, error or off", FIELD(log.level), {"trace", "debug", "info", "warn", "error", "off"}),
  };
  return table;
}

#undef FIELD

const Key* find_key(std::string_view name) {
  const auto found = std::ranges::find(keys(), name, &Key::name);
  return found == keys().end() ? nullptr : &*found;
}

std::string environment_name(std::string_view key) {
  std::string name = "PENSIEVE_";
  for (const char c : key) {
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

Error unknown_key(std::string_view key) {
  std::vector<std::string> known;
  for (const Key& k : keys()) known.push_back(k.name);
  return {ErrorCode::kInvalidArgument, std::format("unknown setting '{}'", key),
          std::format("did you mean '{}'? `pensieve serve --help` shows all", nearest(key, known)), std::string(key)};
}

Result<std::string> value_text(const toml::node& node) {
  if (const auto value = node.value_exact<std::string>()) return *value;
  if (const auto value = node.value_exact<std::int64_t>()) return std::format("{}", *value);
  if (const auto value = node.value_exact<bool>()) return *value ? "true" : "false";
  if (const toml::array* array = node.as_array()) {
    std::string joined;
    for (const toml::node& element : *array) {
      if (!element.is_string()) return fail(ErrorCode::kInvalidArgument, "the list may hold strings only");
      joined += (joined.empty() ? "" : ",") + *element.value<std::string>();
    }
    return joined;
  }
  return fail(ErrorCode::kInvalidArgument, "a value of this type is not allowed here");
}

Error at_line(Error error, const Paths& paths, const toml::node& node) {
  return with_context(std::move(error), std::format("{}:{}", paths.config_file.string(), node.source().begin.line));
}

Result<void> apply_aliases(Config& config, const toml::table& aliases, const Paths& paths) {
  for (const auto& [name, node] : aliases) {
    const auto target = node.value_exact<std::string>();
    if (!target) {
      return std::unexpected(
          at_line({ErrorCode::kInvalidArgument, std::format("alias '{}' must be a string", name.str()), "write it as name = \"model\"", ""},
                  paths, node));
    }
    config.aliases[std::string(name.str())] = *target;
    config.sources[std::format("aliases.{}", name.str())] = ConfigSource::kFile;
  }
  return {};
}

Result<void> apply_file(Config& config, const toml::table& table, const Paths& paths) {
  for (const auto& [section, section_node] : table) {
    const toml::table* entries = section_node.as_table();
    if (section.str() == "aliases" && entries != nullptr) {
      TRY_VOID(apply_aliases(config, *entries, paths));
      continue;
    }
    if (entries == nullptr) {
      return std::unexpected(at_line(unknown_key(section.str()), paths, section_node));
    }
    for (const auto& [name, node] : *entries) {
      const std::string key = std::format("{}.{}", section.str(), name.str());
      if (find_key(key) == nullptr) return std::unexpected(at_line(unknown_key(key), paths, node));
      Result<std::string> value = value_text(node);
      if (!value) return std::unexpected(at_line(with_context(value.error(), key), paths, node));
      if (Result<void> set = set_config_value(config, key, *value, ConfigSource::kFile); !set) {
        return std::unexpected(at_line(set.error(), paths, node));
      }
    }
  }
  return {};
}

// Names of cloud models that clients send unless told otherwise. Later ones win over earlier ones
// when both match; config.toml may replace each.
const std::map<std::string, std::string>& default_aliases() {
  static const std::map<std::string, std::string> aliases = {{"claude-*", "auto"},
                                                             {"claude-*haiku*", "auto:fast"},
                                                             {"claude-*opus*", "auto:best"},
                                                             {"gpt-*", "auto"},
                                                             {"gpt-*-mini*", "auto:fast"},
                                                             {"gpt-*-nano*", "auto:fast"},
                                                             {"o1*", "auto:best"},
                                                             {"o3*", "auto:best"},
                                                             {"o4*", "auto:best"},
                                                             {"chatgpt-*", "auto"},
                                                             {"codex-*", "auto"}};
  return aliases;
}

}  // namespace

std::string_view to_string(ConfigSource source) {
  switch (source) {
    case ConfigSource::kDefault:
      return "default";
    case ConfigSource::kFile:
      return "file";
    case ConfigSource::kEnvironment:
      return "environment";
    case ConfigSource::kFlag:
      return "flag";
  }
  return "default";
}

Result<void> set_config_value(Config& config, std::string_view key, std::string_view value, ConfigSource source) {
  const Key* known = find_key(key);
  if (known == nullptr) return std::unexpected(unknown_key(key));
  TRY_VOID(known->set(config, value));
  config.sources[known->name] = source;
  return {};
}

Result<Config> load_config(const Paths& paths, const std::map<std::string, std::string>& environment) {
  Config config;
  config.aliases = default_aliases();
  std::error_code error;
  if (std::filesystem::exists(paths.config_file, error)) {
    try {
      TRY_VOID(apply_file(config, toml::parse_file(paths.config_file.string()), paths));
    } catch (const toml::parse_error& problem) {
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{}:{}: {}", paths.config_file.string(), problem.source().begin.line, problem.description()),
                  "correct the line, or move the file away to start from the defaults");
    }
  }
  for (const Key& key : keys()) {
    const auto found = environment.find(environment_name(key.name));
    if (found == environment.end()) continue;
    if (Result<void> set = set_config_value(config, key.name, found->second, ConfigSource::kEnvironment); !set) {
      return std::unexpected(with_context(set.error(), found->first));
    }
  }
  if (const auto key = environment.find("PENSIEVE_API_KEY"); key != environment.end()) {
    TRY_VOID(set_config_value(config, "server.api_keys", key->second, ConfigSource::kEnvironment));
  }
  return config;
}

namespace {

ConfigSource source_of(const Config& config, std::string_view key) {
  const auto found = config.sources.find(key);
  return found == config.sources.end() ? ConfigSource::kDefault : found->second;
}

ConfigEntry entry_of(const Key& key, const Config& config, const Config& defaults) {
  return {.key = key.name,
          .kind = key.kind,
          .value = key.get(config),
          .default_value = key.get(defaults),
          .source = source_of(config, key.name),
          .help = key.help,
          .environment = environment_name(key.name)};
}

}  // namespace

std::vector<ConfigEntry> describe_config(const Config& config) {
  const Config defaults;
  std::vector<ConfigEntry> entries;
  for (const Key& key : keys()) entries.push_back(entry_of(key, config, defaults));
  return entries;
}

Result<ConfigEntry> find_config_entry(const Config& config, std::string_view key) {
  if (const Key* known = find_key(key)) return entry_of(*known, config, {});
  constexpr std::string_view kAliases = "aliases.";
  if (key.starts_with(kAliases) && key.size() > kAliases.size()) {
    const std::string name(key.substr(kAliases.size()));
    const auto value = [&](const std::map<std::string, std::string>& aliases) {
      const auto found = aliases.find(name);
      return found == aliases.end() ? std::string() : found->second;
    };
    return ConfigEntry{.key = std::string(key),
                       .kind = ConfigKind::kText,
                       .value = value(config.aliases),
                       .default_value = value(default_aliases()),
                       .source = source_of(config, key),
                       .help = "the id, role or auto name that this name stands for",
                       .environment = {}};
  }
  return std::unexpected(unknown_key(key));
}

}  // namespace pensieve
