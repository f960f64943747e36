// launch: start a coding agent that talks to this server.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <format>
#include <glaze/glaze.hpp>
#include <print>
#include <string_view>

#include "background.h"
#include "cli.h"
#include "client/http_client.h"
#include "client/launch_plan.h"

namespace pensieve::cli {
namespace launch_json {  // glaze reads the names of fields only of types with linkage

struct Model {
  std::int64_t context_length = 0;
};

}  // namespace launch_json
namespace {

// Below this, an agent's own prompt does not fit.
constexpr std::int64_t kSmallWindow = 32'000;

struct Options {
  std::string tool;
  std::string model = "auto";
  std::string side_model;
  bool print = false;
  std::vector<std::string> arguments;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The window of the model that `name` leads to.
Result<std::int64_t> window_of(const std::string& url, const std::string& name) {
  const std::string body = TRY(http_call(url + "/v1/models/" + name, "", std::chrono::seconds(30)));
  launch_json::Model model;
  if (glz::read<glz::opts{.error_on_unknown_keys = false}>(model, body) || model.context_length <= 0) {
    return fail(ErrorCode::kInternal, "the server did not tell the model's context", "`pensieve status` shows what it serves");
  }
  return model.context_length;
}

bool in_path(const std::string& program) {
  std::string folders = variable("PATH");
  for (std::string_view rest = folders; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::filesystem::path file = std::filesystem::path(rest.substr(0, end)) / program;
    if (access(file.c_str(), X_OK) == 0 && !std::filesystem::is_directory(file)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

void print_plan(const LaunchPlan& plan, const std::vector<std::string>& arguments) {
  for (const auto& [name, value] : plan.environment) std::println("{}={}", name, value);
  std::string line = plan.program;
  for (const std::string& argument : arguments) line += " " + argument;
  std::println("{}", line);
}

Result<void> become(const LaunchPlan& plan, std::vector<std::string> arguments) {
  for (const auto& [name, value] : plan.environment) setenv(name.c_str(), value.c_str(), 1);
  arguments.insert(arguments.begin(), plan.program);
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  execvp(plan.program.c_str(), raw.data());
  return fail(ErrorCode::kIo, std::format("can't start {}: {}", plan.program, std::strerror(errno)), plan.how_to_install);
}

Result<void> launch(const Options& options) {
  LaunchTarget target{.key = variable("PENSIEVE_API_KEY"), .model = options.model};
  if (target.key.empty()) target.key = "pensieve";
  const bool automatic = options.model == "auto";
  target.side_model = !options.side_model.empty() ? options.side_model : automatic ? "auto:fast" : options.model;
  const LaunchPlan known = TRY(plan_launch(options.tool, target));
  if (!options.print && !in_path(known.program)) {
    return fail(ErrorCode::kNotFound, std::format("{} is not installed", known.program), known.how_to_install);
  }
  const Paths where = TRY(paths());
  const ServerRecord server = TRY(ensure_server(where));
  target.url = server.url;
  target.context_tokens = TRY(window_of(server.url, options.model));
  if (target.context_tokens < kSmallWindow) {
    std::println(stderr, "note: the model's context has {} tokens; agents want {} and more (engine.context_tokens)", target.context_tokens,
                 kSmallWindow);
  }
  const LaunchPlan plan = TRY(plan_launch(options.tool, target));
  std::vector<std::string> arguments = plan.arguments;
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  if (options.print) {
    print_plan(plan, arguments);
    return {};
  }
  return become(plan, std::move(arguments));
}

}  // namespace

void add_launch(CLI::App& app, Run& chosen) {
  static Options options;
  CLI::App* command = add_command(app, "launch", "Start a coding agent on this server: claude, codex or opencode",
                                  "pensieve launch claude\n  pensieve launch codex -- exec \"Explain this repository\"", chosen,
                                  [] { return launch(options); });
  command->add_option("tool", options.tool, "claude, codex or opencode")->required();
  command->add_option("-m,--model", options.model, "id, role, alias or auto")->capture_default_str();
  command->add_option("--side-model", options.side_model, "for titles and other small calls; auto:fast where the server chooses");
  command->add_flag("--print", options.print, "show the environment and the command instead of starting it");
  command->add_option("arguments", options.arguments, "for the agent, behind --");
}

}  // namespace pensieve::cli
