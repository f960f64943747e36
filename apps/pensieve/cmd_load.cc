// load, unload, pin and unpin: what the running server keeps in memory.
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <chrono>
#include <format>
#include <print>

#include "cli.h"
#include "client/http_client.h"
#include "present.h"

namespace pensieve::cli {
namespace {

// A large model may take minutes, and unloading waits for running answers.
constexpr std::chrono::hours kPatience{1};

// What a subcommand does: `action` is the last part of its address, `done` what became of the model.
struct Change {
  const char* action;
  const char* description;
  const char* done;
};

constexpr Change kChanges[] = {
    {"load", "Load a model in the running server now", "is loaded"},
    {"unload", "Unload a model once its requests are answered", "is unloaded"},
    {"pin", "Load a model and keep it loaded, whatever else wants the memory", "is loaded and stays so"},
    {"unpin", "Let a pinned model be unloaded again when the memory is needed", "may be unloaded when the memory is needed"},
};

Result<void> change(const Change& change, const std::string& model, bool json) {
  const Paths where = TRY(paths());
  const ServerRecord server = TRY(running_server(where));
  const std::string name = boost::urls::encode(model, boost::urls::unreserved_chars);
  const std::string answer = TRY(http_call(std::format("{}/pensieve/v1/models/{}/{}", server.url, name, change.action), "{}", kPatience));
  if (json) {
    std::println("{}", answer);
  } else {
    std::println("{} {}", model, change.done);
  }
  return {};
}

}  // namespace

void add_load(CLI::App& app, Run& chosen) {
  static std::string model;
  static bool json = false;
  for (const Change& what : kChanges) {
    CLI::App* command = add_command(app, what.action, what.description, std::format("pensieve {} fallback", what.action), chosen,
                                    [&what] { return change(what, model, json); });
    command->add_option("model", model, "id, alias or role")->required();
    command->add_flag("--json", json, "print the model's state as JSON");
  }
}

}  // namespace pensieve::cli
