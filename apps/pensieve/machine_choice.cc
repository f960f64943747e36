#include "machine_choice.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <print>

#include "catalog/catalog.h"
#include "catalog/known_models.h"
#include "engine/engine.h"
#include "engine/kernel_speed.h"
#include "gguf/http_source.h"
#include "machine/machine_probe.h"
#include "store/measurements.h"

namespace pensieve::cli {
namespace {

Result<gguf::ModelShape> shape_in(gguf::Source& source) { return gguf::model_shape(TRY(gguf::read_header(source, true))); }

Result<gguf::ModelShape> shape_in_file(const std::filesystem::path& path) {
  const auto source = TRY(gguf::open_file(path));
  return shape_in(*source);
}

fit::Candidate candidate_of(const KnownModel& model, const KnownFile& file) {
  return {.name = model.name + ":" + file.quantization,
          .shape = shape_of(model, file),
          .exact = false,
          .quality = model.quality,
          .quality_source = model.quality_source,
          .claimed_tps = model.claimed_tps};
}

std::filesystem::path models_folder(const Paths& paths, const Config& config) {
  return config.models.folder.empty() ? paths.models : std::filesystem::path(config.models.folder);
}

// An installed file takes its rating from the catalog's entry of the same file name.
Result<fit::Candidate> candidate_of(const InstalledModel& model) {
  fit::Candidate candidate{.name = model.id, .shape = TRY(shape_in_file(model.path)), .installed = true};
  candidate.shape.file_bytes = Bytes{model.file_bytes};
  const std::string name = std::filesystem::path(model.path).filename().string();
  for (const KnownModel& known : known_models()) {
    if (std::ranges::find(known.files, name, &KnownFile::name) == known.files.end()) continue;
    candidate.quality = known.quality;
    candidate.quality_source = known.quality_source;
    candidate.claimed_tps = known.claimed_tps;
  }
  return candidate;
}

constexpr std::string_view kDecode = "decode bytes/s ";
constexpr std::string_view kPrefill = "prefill macs/s ";
constexpr std::string_view kLayer = "layer seconds";
constexpr std::string_view kCache = "cache bytes/s";

// Formats that the engine's measurement covers.
constexpr std::string_view kFormats[] = {"Q4_0", "Q4_1", "Q8_0", "F16", "Q4_K", "Q5_K", "Q6_K", "Q5_0"};

std::filesystem::path ledger_file(const Paths& paths) { return paths.data / "ledger.db"; }

// Kernel speeds depend on the threads too.
std::string speed_key(const std::string& fingerprint, const Config& config) {
  return std::format("{} / {} threads", fingerprint, config.engine.threads);
}

Result<void> read_measured(const Paths& paths, const std::string& key, MachineProfile& profile) {
  const auto database = TRY(store::Database::open(ledger_file(paths)));
  const SystemClock clock;
  store::Measurements ledger(*database, clock);
  for (const std::string_view format : kFormats) {
    const auto decode = TRY(ledger.machine_figure(key, std::string(kDecode) + std::string(format)));
    const auto prefill = TRY(ledger.machine_figure(key, std::string(kPrefill) + std::string(format)));
    if (decode) profile.decode_bytes[std::string(format)] = *decode;
    if (prefill) profile.prefill_macs[std::string(format)] = *prefill;
  }
  profile.kv_bytes = TRY(ledger.machine_figure(key, kCache)).value_or(0);
  profile.layer_seconds = TRY(ledger.machine_figure(key, kLayer)).value_or(0);
  if (!profile.decode_bytes.empty()) profile.source = "kernels measured on this machine";
  return {};
}

}  // namespace

Result<void> measure_machine(const Paths& paths, const Config& config) {
  TRY_VOID(ensure_folder(paths.data));
  const std::string key = speed_key(system_probe()->identity().fingerprint(), config);
  engine::initialise_backends();
  const engine::KernelSpeed speed = TRY(engine::measure_kernels(
      paths.data, config.engine.threads, [](std::string_view format) { std::println(stderr, "measuring {}", format); }));
  const auto database = TRY(store::Database::open(ledger_file(paths)));
  const SystemClock clock;
  store::Measurements ledger(*database, clock);
  for (const auto& [format, bytes] : speed.decode_bytes) TRY_VOID(ledger.record_machine(key, std::string(kDecode) + format, bytes));
  for (const auto& [format, macs] : speed.prefill_macs) TRY_VOID(ledger.record_machine(key, std::string(kPrefill) + format, macs));
  TRY_VOID(ledger.record_machine(key, kCache, speed.kv_bytes));
  return ledger.record_machine(key, kLayer, speed.layer_seconds);
}

Result<ChosenMachine> choose_machine(const std::string& name, const Paths& paths, const Config& config) {
  ChosenMachine chosen;
  if (!name.empty()) {
    chosen.profile = TRY(find_profile(name));
    chosen.state = memory::idle_state(chosen.profile);
    return chosen;
  }
  const auto probe = system_probe();
  const MachineIdentity identity = probe->identity();
  const MachineReading reading = probe->read();
  chosen.profile = profile_for(identity.cpu, identity.memory);
  chosen.fingerprint = identity.fingerprint();
  chosen.state = {.total = reading.memory_total,
                  .available = reading.memory_available,
                  .limit = config.memory.limit_bytes > 0 ? Bytes{config.memory.limit_bytes} : memory::default_limit(reading.memory_total),
                  .margin = Bytes{config.memory.margin_bytes},
                  .gpu_working_set = reading.gpu_working_set,
                  .swap_free = reading.swap_free,
                  .unified = identity.unified};
  if (std::filesystem::exists(ledger_file(paths))) {
    if (const Result<void> read = read_measured(paths, speed_key(chosen.fingerprint, config), chosen.profile); !read)
      print_error(read.error());
  }
  return chosen;
}

Result<fit::Candidate> find_candidate(const std::string& what, const Paths& paths, const Config& config) {
  if (what.starts_with("http://") || what.starts_with("https://")) {
    const auto source = TRY(gguf::open_url(what));
    fit::Candidate candidate{.name = what.substr(what.rfind('/') + 1), .shape = TRY(shape_in(*source))};
    return candidate;
  }
  std::error_code ignored;
  if (std::filesystem::is_regular_file(what, ignored)) {
    return fit::Candidate{.name = std::filesystem::path(what).filename().string(), .shape = TRY(shape_in_file(what)), .installed = true};
  }
  ModelCatalog catalog(models_folder(paths, config), config, Bytes{});
  for (const InstalledModel& model : catalog.models()) {
    if (model.id == what) return candidate_of(model);
  }
  const KnownChoice choice = TRY(find_known(what));
  return candidate_of(*choice.model, *choice.file);
}

std::vector<fit::Candidate> all_candidates(const Paths& paths, const Config& config) {
  std::vector<fit::Candidate> candidates;
  ModelCatalog catalog(models_folder(paths, config), config, Bytes{});
  for (const InstalledModel& model : catalog.models()) {
    if (Result<fit::Candidate> candidate = candidate_of(model)) candidates.push_back(std::move(*candidate));
  }
  for (const KnownModel& model : known_models()) candidates.push_back(candidate_of(model, model.files.front()));
  return candidates;
}

}  // namespace pensieve::cli
