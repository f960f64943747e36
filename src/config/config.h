// Configuration: config.toml, environment and flags, in rising precedence.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/paths.h"
#include "base/result.h"

namespace pensieve {

struct ServerConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8484;
  std::vector<std::string> api_key_hashes;   // "sha256:<hex>" each; empty: no key needed (loopback)
  std::vector<std::string> allowed_hosts;    // further Host names besides loopback names and `host`
  std::vector<std::string> allowed_origins;  // further Origins besides loopback ones; "*": any
  std::int64_t max_body_bytes = 32 * 1024 * 1024;
  std::int32_t max_connections = 256;
  std::int32_t header_timeout_s = 10;  // whole request head
  std::int32_t body_timeout_s = 60;    // whole request body
  std::int32_t idle_timeout_s = 75;    // between requests of one connection
  std::int32_t write_timeout_s = 60;   // a client that takes nothing
  std::int32_t ping_interval_s = 10;   // on a silent stream
  std::int32_t stop_grace_s = 30;      // running answers may finish for this long on stop
};

struct EngineConfig {
  std::int32_t context_tokens = 0;  // 0: what the model was trained for, at most 8192
  std::int32_t parallel = 8;        // requests in one batch, per model
  std::int32_t batch_tokens = 512;
  std::int32_t threads = 0;      // 0: physical cores
  std::int32_t gpu_layers = -1;  // -1: all
  std::string cache_type = "f16";
  std::int32_t experts_used = 0;  // of a mixture of experts, for each token; 0: the model's own number
  std::int32_t queue_limit = 64;  // waiting requests per model before 429
  std::int32_t load_timeout_s = 300;
  std::int32_t hang_timeout_s = 10;    // a worker that answers no ping
  std::int32_t step_timeout_s = 120;   // a step that never ends
  std::int32_t idle_unload_s = 0;      // 0: stay loaded until the memory is needed
  std::int32_t switch_wait_ms = 1000;  // requests for loaded models go on for so long while another waits
  std::string failover = "any";        // where an answer goes on whose worker is lost: any, same (model), off
  std::string speculation = "auto";    // tokens guessed ahead from the text so far: auto (where that pays), off
  bool spare_worker = true;
};

// Conversations kept on disk across a change of model and a restart (docs/performance.md).
struct CacheConfig {
  std::int64_t disk_bytes = -1;  // for all models; -1: 8 GB, at most 5 % of the free disk; 0: none are kept
  std::string folder;            // empty: <data>/kv
};

// Model behind each role; empty: the best installed model takes it (catalog/).
struct RolesConfig {
  std::string primary;
  std::string secondary;
  std::string tertiary;
  std::string fallback;
};

struct MemoryConfig {
  std::int64_t limit_bytes = 0;               // weights + cache of all models; 0: 12 GB of 16, in this proportion
  std::int64_t margin_bytes = 2'000'000'000;  // always left free
};

struct ModelsConfig {
  std::string folder;                   // empty: <data>/models
  std::vector<std::string> paths;       // further GGUF files served
  std::vector<std::string> pinned;      // stay loaded
  std::vector<std::string> preload;     // loaded at start
  std::vector<std::string> projectors;  // "MODEL=FILE": what MODEL sees images with; FILE empty: nothing
};

// How `auto` chooses (docs/routing.md); requests may ask for something else.
struct RoutingConfig {
  std::string policy = "smart";            // smart, or classic: the fixed table by role
  std::string quality = "high";            // good, high, maximum
  std::string performance = "medium";      // low, medium, high
  std::int32_t min_tokens_per_second = 0;  // 0: no floor
  std::int32_t max_ttft_ms = 0;            // 0: no limit
};

// PerformanceMonitor (docs/monitoring.md).
struct MonitorConfig {
  bool enabled = true;
  std::int32_t interval_ms = 500;
  std::int32_t downgrade_memory_percent = 85;
  std::int32_t downgrade_swap_pages = 100;
  std::int32_t downgrade_temperature = 85;
  std::int32_t downgrade_tokens_per_second = 5;
  std::int32_t upgrade_memory_percent = 60;
  std::int32_t upgrade_temperature = 70;
  std::int32_t upgrade_tokens_per_second = 20;
  std::int32_t throttle_temperature = 75;
  std::int64_t shrink_free_bytes = 2'000'000'000;
  std::int64_t critical_free_bytes = 1'000'000'000;
  std::int64_t emergency_free_bytes = 500'000'000;
  std::int32_t recovery_s = 10;
  std::int32_t cooldown_s = 60;
  std::string replay_readings;  // file of recorded readings in place of the machine's; empty: none
  std::string record_readings;  // file to record the readings in; empty: none
};

// A small model's part in the choice (docs/routing.md); each off, on, or auto: only while it is
// expected to save time.
struct TiersConfig {
  std::string triage = "off";            // it is asked about requests whose class is in doubt
  std::string cascade = "off";           // it answers first
  std::int32_t cascade_tokens = 16;      // of its answer that are judged before any is sent
  std::int32_t cascade_confidence = 60;  // least mean probability of those, in percent
};

struct LogConfig {
  std::string level = "info";
};

// Where a value comes from.
enum class ConfigSource : std::uint8_t { kDefault, kFile, kEnvironment, kFlag };
std::string_view to_string(ConfigSource source);

struct Config {
  ServerConfig server;
  EngineConfig engine;
  CacheConfig cache;
  RolesConfig roles;
  MemoryConfig memory;
  ModelsConfig models;
  RoutingConfig routing;
  MonitorConfig monitor;
  TiersConfig tiers;
  LogConfig log;
  std::map<std::string, std::string> aliases;  // name or prefix with trailing * -> id, role or auto
  // Of each key and each alias ("aliases.NAME") that has not its default.
  std::map<std::string, ConfigSource, std::less<>> sources;
};

// Defaults, then `paths.config_file` if it exists, then PENSIEVE_* variables of `environment`
// ("PENSIEVE_SERVER_PORT" for server.port). An unknown key is an error naming the nearest known
// one and, for the file, its line.
Result<Config> load_config(const Paths& paths, const std::map<std::string, std::string>& environment);

// Sets one key ("server.port") from text, as the environment and the flags do.
Result<void> set_config_value(Config& config, std::string_view key, std::string_view text, ConfigSource source = ConfigSource::kFlag);

// How a value is written in config.toml: a list is an array of strings.
enum class ConfigKind : std::uint8_t { kText, kNumber, kBoolean, kList };

// Every key with its present value and a line of help, in order.
struct ConfigEntry {
  std::string key;
  ConfigKind kind = ConfigKind::kText;
  std::string value;  // a list's elements joined by commas
  std::string default_value;
  ConfigSource source = ConfigSource::kDefault;
  std::string help;
  std::string environment;  // variable that sets it
};
std::vector<ConfigEntry> describe_config(const Config& config);

// The entry of `key`, which may be an alias ("aliases.NAME"). Error kInvalidArgument with the
// nearest known key.
Result<ConfigEntry> find_config_entry(const Config& config, std::string_view key);

}  // namespace pensieve
