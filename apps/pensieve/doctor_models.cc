// doctor: memory and model files.
#include <algorithm>
#include <array>
#include <filesystem>
#include <format>

#include "base/sha256_file.h"
#include "doctor.h"
#include "open_catalog.h"
#include "planning.h"

namespace pensieve::cli {
namespace {

namespace fs = std::filesystem;
using Verdict = Check::Verdict;

// Files whose content is known, because Pensieve's own tools fetch them.
struct KnownFile {
  std::string_view name;
  std::string_view sha256;
};
constexpr auto kKnownFiles =
    std::to_array<KnownFile>({{"SmolLM2-135M-Instruct.Q4_1.gguf", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"}});

// Reads every byte, so that a bad disk is found.
Check read_whole(const InstalledModel& model) {
  const Result<std::string> hash = sha256_of_file(model.path);
  if (!hash)
    return {Verdict::kBroken, "models", std::format("{}: {}", model.id, hash.error().message), "check the disk, and get the file again"};
  const auto known = std::ranges::find(kKnownFiles, fs::path(model.path).filename().string(), &KnownFile::name);
  if (known == kKnownFiles.end()) return {Verdict::kGood, "models", std::format("{}: readable to its end, sha256 {}", model.id, *hash), ""};
  if (*hash == known->sha256) return {Verdict::kGood, "models", std::format("{}: its sha256 is right", model.id), ""};
  return {Verdict::kBroken, "models", std::format("{}: its content is damaged (sha256 {} instead of {})", model.id, *hash, known->sha256),
          std::format("remove '{}' and get it again", model.path)};
}

}  // namespace

std::vector<Check> check_memory(const Paths& paths, const Config& config) {
  const SystemClock clock;
  Planning planning(paths, config, clock, false);
  const memory::MachineState now = planning.planner().machine();
  if (now.total.value == 0) return {{Verdict::kWarning, "memory", "the system does not tell how much memory there is", ""}};
  std::vector<Check> checks = {
      {Verdict::kGood, "memory",
       std::format("{} of {} available, models may take {}", to_text(now.available), to_text(now.total), to_text(now.limit)), ""}};
  ModelCatalog catalog = open_catalog(paths, config, planning.probe());
  const Result<ResolvedName> automatic = catalog.resolve("auto");
  for (const InstalledModel& model : catalog.models()) {
    if (!automatic || model.id != automatic->id) continue;
    const memory::Plan plan = planning.planner().plan(model, now);
    const std::string what = std::format("'{}', which auto leads to, needs {} with {} tokens of context: it {}", model.id,
                                         to_text(plan.check.needed), plan.settings.context_tokens, to_string(plan.verdict));
    const bool fits = plan.verdict == memory::Verdict::kFits;
    const bool never = plan.verdict == memory::Verdict::kDoesNotFit;
    checks.push_back({never  ? Verdict::kBroken
                      : fits ? Verdict::kGood
                             : Verdict::kWarning,
                      "memory", never ? std::format("{} ({})", what, plan.check.reason) : what,
                      fits ? "" : "close other programs, set roles.primary to a smaller model, or lower engine.context_tokens"});
  }
  return checks;
}

std::vector<Check> check_models(const Paths& paths, const Config& config, bool deep) {
  ModelCatalog catalog = open_catalog(paths, config, *system_probe());
  std::vector<Check> checks;
  for (const InstalledModel& model : catalog.models()) {
    checks.push_back(
        deep ? read_whole(model)
             : Check{Verdict::kGood, "models",
                     std::format("{}: {} {}, {}", model.id, model.architecture, model.quantization, to_text(Bytes{model.file_bytes})), ""});
  }
  if (checks.empty()) {
    checks.push_back({Verdict::kBroken, "models", catalog.resolve("auto").error().message, catalog.resolve("auto").error().advice});
  }
  for (const SkippedFile& file : catalog.skipped()) {
    checks.push_back(
        {Verdict::kWarning, "models", std::format("'{}' is skipped: {}", file.path, file.reason), "get the file again, or remove it"});
  }
  for (const std::string_view role : {"primary", "secondary", "tertiary", "fallback"}) {
    const auto resolved = catalog.resolve(role);
    if (!resolved && !catalog.models().empty())
      checks.push_back({Verdict::kBroken, "models", resolved.error().message, resolved.error().advice});
  }
  return checks;
}

}  // namespace pensieve::cli
