#include <csignal>
#include <cstdio>
#include <exception>
#include <print>

#include "cli.h"

int main(int argc, char** argv) {
  using namespace pensieve;
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Pensieve: a local LLM server that fits your machine", "pensieve");
  app.set_version_flag("--version", std::string("pensieve ") + cli::kVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  cli::Run run;
  for (const auto add : {cli::add_serve, cli::add_start, cli::add_stop, cli::add_status, cli::add_run, cli::add_worker}) {
    add(app, run);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  try {
    if (const Result<void> done = run(); !done) {
      if (!done.error().message.empty()) cli::print_error(done.error());
      return 1;
    }
  } catch (const std::exception& error) {
    cli::print_error({ErrorCode::kInternal, error.what(), "this is a defect; please report it", ""});
    return 1;
  }
  return 0;
}
