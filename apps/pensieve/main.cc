#include <csignal>
#include <cstdio>
#include <exception>
#include <format>
#include <print>
#include <system_error>

#include "cli.h"
#include "config/nearest.h"

namespace pensieve::cli {
namespace {

constexpr auto kCommands = {
    add_serve, add_start, add_stop, add_status, add_run,    add_chat,       add_route,   add_launch,
    add_list,  add_show,  add_ps,   add_config, add_doctor, add_completion, add_man,     add_fit,
    add_bench, add_pull,  add_rm,   add_load,   add_merge,  add_simulate,   add_adapter, add_worker,
};

// Wrong usage in the form of every other error.
Error usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const auto parsed = app.get_subcommands();
  const std::string help = std::format("`pensieve {}--help` shows the usage", parsed.empty() ? "" : parsed.front()->get_name() + " ");
  if (argc > 1 && parsed.empty() && argv[1][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); }))
      names.push_back(command->get_name());
    return {ErrorCode::kInvalidArgument, std::format("unknown command '{}'", argv[1]),
            std::format("did you mean '{}'? {}", nearest(argv[1], names), help), ""};
  }
  return {ErrorCode::kInvalidArgument, error.what(), help, ""};
}

int run_command(const Run& run) {
  try {
    const Result<void> done = run();
    if (done) return 0;
    if (!done.error().message.empty()) print_error(done.error());
  } catch (const std::system_error& error) {
    constexpr int kEndedByBrokenPipe = 128 + SIGPIPE;                       // what a shell sees of programs that leave the signal on
    if (error.code() == std::errc::broken_pipe) return kEndedByBrokenPipe;  // the reader has seen enough: `pensieve list | head`
    print_error({ErrorCode::kInternal, error.what(), "check where the output goes and the disk, then try again", ""});
  } catch (const std::exception& error) {
    print_error({ErrorCode::kInternal, error.what(), "this is a defect; please report it", ""});
  }
  return 1;
}

int main_of(int argc, char** argv) {
  CLI::App app("Pensieve: a local LLM server that fits your machine", "pensieve");
  app.set_version_flag("--version", std::string("pensieve ") + kVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.get_formatter()->enable_footer_formatting(false);
  app.footer("Example:\n  pensieve run \"What is a mutex?\"");
  Run run;
  for (const auto add : kCommands) add(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    print_error(usage_error(app, error, argc, argv));
    return 2;
  }
  return run_command(run);
}

}  // namespace
}  // namespace pensieve::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return pensieve::cli::main_of(argc, argv);
}
