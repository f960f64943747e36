// chat: a conversation, typed or read from a file.
#include <cstdio>
#include <print>

#include "chat_session.h"
#include "cli.h"
#include "line_reader.h"

namespace pensieve::cli {
namespace {

struct Options {
  std::string model = "auto";
  std::string system;
  int max_tokens = 4096;
};

// The loop between the person and the session.
class Conversation {
 public:
  Conversation(ChatSession& session, LineReader& lines) : session_(session), lines_(lines) {}

  // False if a turn failed and nobody was there to read why.
  bool run() {
    for (;;) {
      const Line line = lines_.read(!lines_.interactive() ? "" : message_.open() ? ". " : "> ");
      if (line.kind == Line::Kind::kEnd) break;
      if (line.kind == Line::Kind::kInterrupted) {
        if (!message_.open()) std::println(stderr, "(Ctrl-D or /exit leaves)");
        message_.take_rest();
        continue;
      }
      const std::optional<std::string> message = message_.push(line.text);
      if (message && !take(*message)) return good_;
    }
    // A file may end within a message.
    if (const std::string rest = message_.take_rest(); !rest.empty() && !lines_.interactive()) take(rest);
    return good_;
  }

 private:
  // False to leave.
  bool take(const std::string& text) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return true;
    const auto stopped = [] { return LineReader::interrupted(); };
    LineReader::forget_interruption();
    if (const auto command = parse_chat_command(text)) {
      if (!*command) {
        report(command->error());
      } else if ((*command)->kind == ChatCommand::Kind::kExit) {
        return false;
      } else if ((*command)->kind == ChatCommand::Kind::kHelp) {
        std::print("{}", chat_help());
      } else if (const Result<void> done = session_.obey(**command, stopped); !done) {
        report(done.error());
      }
      return true;
    }
    if (const Result<void> said = session_.say(text, stopped); !said) report(said.error());
    return true;
  }

  void report(const Error& error) {
    print_error(error);
    if (!lines_.interactive()) good_ = false;
  }

  ChatSession& session_;
  LineReader& lines_;
  MessageReader message_;
  bool good_ = true;
};

Result<void> chat(const Options& options) {
  const Paths where = TRY(paths());
  TRY_VOID(ensure_folder(where.data));
  const SystemClock clock;
  ChatSession session(where, clock, options.model, options.system, options.max_tokens);
  LineReader lines(where.data / "chat_history");
  if (lines.interactive()) std::println("Talk to {}. /help lists the commands, Ctrl-D leaves.", options.model);
  if (!Conversation(session, lines).run()) return std::unexpected(Error{});
  return {};
}

}  // namespace

void add_chat(CLI::App& app, Run& chosen) {
  static Options options;
  CLI::App* command =
      add_command(app, "chat", "Talk with a model", "pensieve chat --model auto:best", chosen, [] { return chat(options); });
  command->add_option("-m,--model", options.model, "id, role, alias or auto")->capture_default_str();
  command->add_option("--system", options.system, "system prompt");
  command->add_option("--max-tokens", options.max_tokens, "longest answer")->capture_default_str()->check(CLI::Range(1, 1'000'000));
}

}  // namespace pensieve::cli
