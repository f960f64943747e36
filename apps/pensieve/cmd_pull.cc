#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <format>
#include <print>

#include "catalog/pull_plan.h"
#include "cli.h"
#include "gguf/http_source.h"
#include "machine_choice.h"

namespace pensieve::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

struct Choices {
  std::string model;
  std::string sha256;
  bool force = false;
  bool dry_run = false;
};

// Reads the remote header and refuses what will not fit, before anything is downloaded.
Result<void> check_fit(const PullPlan& plan, const Paths& where, const Config& settings, bool force) {
  const RemoteShape remote = TRY(remote_shape(plan.files.front().url, plan.files.front().bearer));
  if (remote.is_projector) {
    std::println(stderr, "{}: a projector: the model that it is for will see images (docs/images.md)", plan.name);
    return {};
  }
  const fit::Candidate candidate{.name = plan.name, .shape = remote.shape};
  const ChosenMachine machine = TRY(choose_machine("", where, settings));
  // What is available now may change until the model is loaded; what the machine has does not.
  memory::MachineState rested = machine.state;
  rested.available = std::max(rested.available, Bytes{rested.total.value / 4 * 3});
  const memory::Plan planned = fit::plan_of(candidate, rested, {});
  std::println(stderr, "{}: {} ({} of the file read to know it): {}", plan.name, memory::to_string(planned.verdict),
               to_text(remote.fetched), planned.check.reason);
  if (planned.verdict != memory::Verdict::kDoesNotFit || force) return {};
  return fail(ErrorCode::kOutOfMemory, std::format("{} does not fit this machine: {}", plan.name, planned.check.reason),
              "`pensieve fit` shows what does; --force downloads it all the same");
}

class ProgressLine {
 public:
  bool show(const DownloadProgress& state) {
    if (interrupted != 0) return false;
    const auto now = std::chrono::steady_clock::now();
    if (isatty(2) == 0 || now - shown_ < std::chrono::milliseconds(200)) return true;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    first_ = first_ < 0 ? state.done.value : first_;
    const auto speed = static_cast<std::int64_t>(static_cast<double>(state.done.value - first_) / std::max(seconds, 0.1));
    const double share = state.total.value > 0 ? 100.0 * static_cast<double>(state.done.value) / static_cast<double>(state.total.value) : 0;
    std::print(stderr, "\r{:5.1f} %  {} of {}  {}/s   ", share, to_text(state.done), to_text(state.total), to_text(Bytes{speed}));
    return true;
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_;
  std::int64_t first_ = -1;
};

Result<void> pull_command(const Choices& choices) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  const std::filesystem::path folder = settings.models.folder.empty() ? where.models : std::filesystem::path(settings.models.folder);
  TRY_VOID(ensure_folder(folder));
  const PullPlan plan = TRY(plan_pull(choices.model, folder, process_environment(), choices.sha256));
  bool complete = true;
  for (const DownloadFile& file : plan.files) complete &= std::filesystem::exists(file.destination);
  if (complete) {
    std::println("{} is there already: {}", plan.name, plan.files.front().destination.string());
    return {};
  }
  TRY_VOID(check_fit(plan, where, settings, choices.force));
  if (choices.dry_run) return {};
  std::vector<DownloadFile> missing;
  for (const DownloadFile& file : plan.files) {
    if (!std::filesystem::exists(file.destination)) missing.push_back(file);
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  ProgressLine line;
  const Result<bool> done = download_all(missing, [&](const DownloadProgress& state) { return line.show(state); });
  if (isatty(2) != 0) std::println(stderr, "");
  if (!done) return std::unexpected(done.error());
  std::println(stderr, "{}",
               *done ? "its sha256 is right" : "unverified: neither the catalog nor the server tells its sha256 (--sha256 checks one)");
  std::println("{}", plan.files.front().destination.string());
  return {};
}

}  // namespace

void add_pull(CLI::App& app, Run& chosen) {
  static Choices choices;
  CLI::App* command = add_command(app, "pull", "Download a model after checking that it fits", "pensieve pull mistral-7b:Q5_K_M", chosen,
                                  [] { return pull_command(choices); });
  command->add_option("model", choices.model, "NAME[:QUANT] of the catalog, owner/repository/file.gguf, or a URL")->required();
  command->add_option("--sha256", choices.sha256, "sum that the file must have");
  command->add_flag("--force", choices.force, "download it even if it does not fit");
  command->add_flag("--dry-run", choices.dry_run, "check the fit only");
}

}  // namespace pensieve::cli
