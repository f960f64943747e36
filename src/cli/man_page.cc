#include "cli/man_page.h"

#include <algorithm>
#include <cctype>
#include <format>

namespace pensieve::cli {
namespace {

// Text as roff takes it literally: no line may begin with a control character.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string synopsis(const Command& command, const std::string& path) {
  std::string line = std::format(".B {}\n", roff(path));
  if (std::ranges::any_of(command.options, [](const CommandOption& o) { return !o.names.empty(); })) line += "[options]\n";
  for (const CommandOption& option : command.options) {
    if (option.positional.empty()) continue;
    const std::string name = std::format("\\fI{}\\fR", roff(option.positional));
    line += option.required ? name + "\n" : std::format("[{}]\n", name);
  }
  return line;
}

std::string option_entry(const CommandOption& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + std::format("\\fB{}\\fR", roff(name));
  if (option.names.empty()) tag = std::format("\\fI{}\\fR", roff(option.positional));
  if (!option.value.empty()) tag += std::format(" \\fI{}\\fR", option.value);
  std::string help = option.help;
  if (!option.default_value.empty()) help += std::format(" (default: {})", option.default_value);
  return std::format(".TP\n{}\n{}\n", tag, roff(help));
}

void add_command(const Command& command, const std::string& path, std::string& page) {
  page += std::format(".SS {}\n{}.PP\n{}\n", roff(path), synopsis(command, path), roff(command.help));
  for (const CommandOption& option : command.options) {
    const bool help = std::ranges::find(option.names, "--help") != option.names.end();
    if (!help) page += option_entry(option);
  }
  if (!command.example.empty()) page += std::format(".PP\nExample:\n.PP\n.EX\n{}\n.EE\n", roff(command.example));
  for (const Command& child : command.commands) add_command(child, path + " " + child.name, page);
}

constexpr std::string_view kEnd = R"(.SH SETTINGS
Every setting is a key of config.toml, an option of
.B pensieve serve
and an environment variable: server.port is
.B \-\-server.port
and
.BR PENSIEVE_SERVER_PORT .
.B pensieve config
shows all of them with their values and where those come from.
.SH ENVIRONMENT
.TP
.B PENSIEVE_HOME
moves configuration, models and state into one folder
.TP
.B PENSIEVE_API_KEY
the key that commands send to the server, and that a server started here asks for
.TP
.B NO_COLOR
no colour, whatever its value
.SH FILES
.TP
.I $XDG_CONFIG_HOME/pensieve/config.toml
settings
.TP
.I $XDG_DATA_HOME/pensieve
models and state
.TP
.I $XDG_RUNTIME_DIR/pensieve
the running server's record and log (else in run/ of the data folder)
.SH EXIT STATUS
0 on success, 1 if the command failed (the reason and what to do stand on standard error), 2 for wrong usage.
)";

}  // namespace

std::string man_page(const Command& root, const ManFacts& facts) {
  std::string page = std::format(".TH {} 1 \"\" \"{} {}\" \"User Commands\"\n", upper(root.name), roff(root.name), roff(facts.version));
  page += std::format(".SH NAME\n{} \\- {}\n", roff(root.name), roff(facts.summary));
  page += std::format(".SH SYNOPSIS\n.B {}\n\\fICOMMAND\\fR [\\fIoptions\\fR]\n", roff(root.name));
  page += std::format(".SH DESCRIPTION\n{}\n.SH COMMANDS\n", roff(root.help));
  for (const Command& command : root.commands) add_command(command, root.name + " " + command.name, page);
  page += kEnd;
  return page;
}

}  // namespace pensieve::cli
