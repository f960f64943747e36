// doctor: the whole chain, link by link, with what to do.
#include <algorithm>
#include <format>
#include <glaze/glaze.hpp>
#include <iterator>
#include <print>

#include "cli.h"
#include "doctor.h"

namespace pensieve::cli {
namespace doctor_json {  // glaze reads the names of fields only of types with linkage

struct Finding {
  std::string name;
  std::string verdict;
  std::string message;
  std::string advice;
};

struct Device {
  std::string name;
  std::string description;
  std::string kind;
  std::int64_t memory_total_bytes = 0;
  std::int64_t memory_free_bytes = 0;
};

struct Report {
  bool ok = false;
  std::string version;
  std::string engine;
  std::vector<Device> devices;
  std::vector<Finding> checks;
};

}  // namespace doctor_json
namespace {

using Verdict = Check::Verdict;

std::string verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kBroken:
      return "broken";
  }
  return "broken";
}

void append(std::vector<Check>& all, std::vector<Check> more) { std::ranges::move(more, std::back_inserter(all)); }

// Everything that can be examined: what depends on the configuration is left out if that is broken.
EngineProbe examine(bool deep) {
  EngineProbe all;
  const Result<Paths> where = paths();
  if (!where) {
    all.checks.push_back({Verdict::kBroken, "folders", where.error().message, where.error().advice});
    return all;
  }
  const Result<Config> settings = config(*where);
  if (settings) {
    all.checks.push_back(
        {Verdict::kGood, "config",
         std::format("{} settings are not at their defaults; file {}", settings->sources.size(), where->config_file.string()), ""});
  } else {
    all.checks.push_back({Verdict::kBroken, "config", settings.error().message, settings.error().advice});
  }
  append(all.checks, check_folders(*where));
  append(all.checks, check_disk(*where));
  EngineProbe engine = check_engine();
  append(all.checks, std::move(engine.checks));
  all.hello = std::move(engine.hello);
  if (!settings) return all;
  append(all.checks, check_server(*where, settings->server));
  append(all.checks, check_memory(*where, *settings));
  append(all.checks, check_models(*where, *settings, deep));
  return all;
}

void print_json(const EngineProbe& found, bool good) {
  doctor_json::Report report{
      .ok = good, .version = kVersion, .engine = found.hello ? found.hello->engine : "", .devices = {}, .checks = {}};
  for (const Check& check : found.checks) report.checks.push_back({check.name, verdict_word(check.verdict), check.message, check.advice});
  if (found.hello) {
    for (const ipc::Device& device : found.hello->devices) {
      report.devices.push_back({device.name, device.description, device.kind, device.memory_total, device.memory_free});
    }
  }
  std::println("{}", glz::write_json(report).value_or("{}"));
}

void print_report(const EngineProbe& found, bool good) {
  std::vector<std::vector<std::string>> rows;
  for (const Check& check : found.checks) {
    rows.push_back({verdict_word(check.verdict), check.name, check.message});
    if (!check.advice.empty()) rows.push_back({"", "", "-> " + check.advice});
  }
  // Advice is what a person needs whole: nothing is cut here.
  std::print("{}", render_table({{"VERDICT"}, {"PART"}, {"FOUND"}}, rows, {.width = 0, .colour = table_style().colour}));
  std::println("\n{}", good ? "Pensieve can serve." : "Pensieve can't serve until what is broken is mended.");
}

Result<void> doctor(bool deep, bool json) {
  const EngineProbe found = examine(deep);
  const bool good = std::ranges::none_of(found.checks, [](const Check& check) { return check.verdict == Verdict::kBroken; });
  if (json) {
    print_json(found, good);
  } else {
    print_report(found, good);
  }
  if (good) return {};
  return std::unexpected(Error{});  // told already
}

}  // namespace

void add_doctor(CLI::App& app, Run& chosen) {
  static bool deep = false;
  static bool json = false;
  CLI::App* command = add_command(app, "doctor", "Examine everything that serving needs, and say what to do", "pensieve doctor --deep",
                                  chosen, [] { return doctor(deep, json); });
  command->add_flag("--deep", deep, "read every model file to its end and compare known ones with their sha256");
  command->add_flag("--json", json, "print JSON");
}

}  // namespace pensieve::cli
