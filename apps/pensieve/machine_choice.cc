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
#include "gguf/projector.h"
#include "gguf/split.h"
#include "gguf/summary.h"
#include "machine/machine_probe.h"
#include "memory/speed.h"
#include "planning.h"

namespace pensieve::cli {
namespace {

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
  if (!model.shape) return fail(ErrorCode::kUnsupported, std::format("'{}' has a layout that plans do not know", model.id));
  fit::Candidate candidate{.name = model.id, .installed = true, .projector = Bytes{model.projector_bytes}};
  candidate.shape = *model.shape;
  candidate.fingerprint = model.fingerprint;
  const std::string name = std::filesystem::path(model.path).filename().string();
  for (const KnownModel& known : known_models()) {
    if (std::ranges::find(known.files, name, &KnownFile::name) == known.files.end()) continue;
    candidate.quality = known.quality;
    candidate.quality_source = known.quality_source;
    candidate.claimed_tps = known.claimed_tps;
  }
  return candidate;
}

const SystemClock& the_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace

Result<void> measure_machine(const Paths& paths, const Config& config) {
  TRY_VOID(ensure_folder(paths.data));
  PerformanceLedger ledger = open_performance_ledger(paths, config, system_probe()->identity(), the_clock(), true);
  engine::initialise_backends();
  engine::KernelSpeed speed = TRY(engine::measure_kernels(paths.data, config.engine.threads,
                                                          [](std::string_view format) { std::println(stderr, "measuring {}", format); }));
  MachineProfile measured{.operation_seconds = speed.layer_seconds / memory::kUsualOperations, .attention_macs = speed.attention_macs};
  measured.decode_bytes.insert(speed.decode_bytes.begin(), speed.decode_bytes.end());
  measured.prefill_macs.insert(speed.prefill_macs.begin(), speed.prefill_macs.end());
  return ledger.keep_kernels(measured);
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
  chosen.profile = profile_for(identity.cpu, identity.memory);
  chosen.state = memory::running_state(probe->read(), identity, {Bytes{config.memory.limit_bytes}, Bytes{config.memory.margin_bytes}});
  chosen.ledger = std::make_shared<PerformanceLedger>(open_performance_ledger(paths, config, identity, the_clock(), false));
  chosen.ledger->apply_kernels(chosen.profile);
  return chosen;
}

Result<RemoteShape> remote_shape(const std::string& url, const std::string& bearer) {
  RemoteShape remote;
  const auto first = TRY(gguf::open_url(url, bearer));
  const auto open_part = [&](std::uint64_t part, std::uint64_t parts) -> Result<std::unique_ptr<gguf::Source>> {
    const std::string plain = url.substr(0, url.find_first_of("?#"));
    const std::string name = TRY(gguf::part_name(plain, part, parts));
    std::unique_ptr<gguf::HttpSource> source = TRY(gguf::open_url(name + url.substr(plain.size()), bearer));
    remote.fetched += Bytes{static_cast<std::int64_t>(source->fetched_bytes())};
    return source;
  };
  const gguf::Header header = TRY(gguf::read_parts(*first, open_part, true));
  remote.is_projector = gguf::is_projector(header);
  if (!remote.is_projector) remote.shape = TRY(gguf::model_shape(header));
  remote.fetched += Bytes{static_cast<std::int64_t>(first->fetched_bytes())};
  return remote;
}

namespace {

Result<gguf::ModelShape> remote_model(const std::string& url) {
  RemoteShape remote = TRY(remote_shape(url, ""));
  if (remote.is_projector) return fail(ErrorCode::kInvalidArgument, "not a language model of its own (projector)");
  return std::move(remote.shape);
}

}  // namespace

Result<fit::Candidate> find_candidate(const std::string& what, const Paths& paths, const Config& config) {
  if (what.starts_with("http://") || what.starts_with("https://")) {
    return fit::Candidate{.name = what.substr(what.rfind('/') + 1), .shape = TRY(remote_model(what))};
  }
  std::error_code ignored;
  if (std::filesystem::is_regular_file(what, ignored)) {
    const gguf::Summary summary = TRY(gguf::summarize(what));
    fit::Candidate candidate{.name = std::filesystem::path(what).filename().string(), .installed = true};
    if (!summary.shape) return fail(ErrorCode::kUnsupported, std::format("'{}' has a layout that plans do not know", what));
    candidate.shape = *summary.shape;
    candidate.fingerprint = summary.fingerprint;
    return candidate;
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
