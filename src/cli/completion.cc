#include "cli/completion.h"

#include <format>
#include <vector>

namespace pensieve::cli {
namespace {

// A command with the words that lead to it ("config set"); the root's path is empty.
struct Place {
  std::string path;
  const Command* command;
};

void collect(const Command& command, const std::string& path, std::vector<Place>& places) {
  places.push_back({path, &command});
  for (const Command& child : command.commands) collect(child, path.empty() ? child.name : path + " " + child.name, places);
}

std::vector<Place> places_of(const Command& root) {
  std::vector<Place> places;
  collect(root, "", places);
  return places;
}

std::string quoted(std::string_view text, std::string_view quote_escape) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += quote_escape;
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out + "'";
}

// In bash and zsh a quote ends the text, stands escaped, and the text begins again.
std::string shell_quoted(std::string_view text) { return quoted(text, "'\\''"); }

// The part that bash and zsh share: the words typed so far lead from place to place.
std::string path_cases(const std::vector<Place>& places) {
  std::string cases;
  for (const Place& place : places) {
    if (place.path.empty()) continue;
    cases += std::format("      {}) at={} ;;\n", shell_quoted(place.path), shell_quoted(place.path));
  }
  return cases;
}

std::string bash(const Command& root) {
  const std::vector<Place> places = places_of(root);
  std::string lists;
  for (const Place& place : places) {
    std::string words;
    for (const Command& child : place.command->commands) words += child.name + " ";
    for (const CommandOption& option : place.command->options) {
      for (const std::string& name : option.names) words += name + " ";
    }
    if (!words.empty()) words.pop_back();
    lists += std::format("    {}) words={} ;;\n", shell_quoted(place.path), shell_quoted(words));
  }
  return std::format(R"(# bash completion for {0}, made by `{0} completion bash`
_{0}() {{
  local at='' word words='' current="${{COMP_WORDS[COMP_CWORD]}}"
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "${{at:+$at }}$word" in
{1}    esac
  done
  case "$at" in
{2}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _{0} {0}
)",
                     root.name, path_cases(places), lists);
}

// "name:help" entries as _describe takes them.
std::string zsh_entry(std::string_view name, std::string_view help) {
  std::string escaped;
  for (const char c : name) escaped += c == ':' ? "\\:" : std::string(1, c);
  return shell_quoted(std::format("{}:{}", escaped, help));
}

std::string zsh(const Command& root) {
  const std::vector<Place> places = places_of(root);
  std::string lists;
  for (const Place& place : places) {
    lists += std::format("    {})\n", shell_quoted(place.path));
    for (const Command& child : place.command->commands) lists += std::format("      words_of+=({})\n", zsh_entry(child.name, child.help));
    for (const CommandOption& option : place.command->options) {
      for (const std::string& name : option.names) lists += std::format("      words_of+=({})\n", zsh_entry(name, option.help));
    }
    lists += "      ;;\n";
  }
  return std::format(R"(#compdef {0}
# zsh completion for {0}, made by `{0} completion zsh`
_{0}() {{
  local at='' word
  local -a words_of
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    case "${{at:+$at }}$word" in
{1}    esac
  done
  case "$at" in
{2}  esac
  _describe -t commands {0} words_of || _files
}}
if [ "$funcstack[1]" = "_{0}" ]; then _{0} "$@"; else compdef _{0} {0}; fi
)",
                     root.name, path_cases(places), lists);
}

std::string fish_quoted(std::string_view text) { return quoted(text, "\\'"); }

// True while exactly the place's words have been typed: seen the last of them, none of its
// children.
std::string fish_condition(const Place& place) {
  std::string condition;
  for (std::size_t begin = 0; begin < place.path.size();) {
    const std::size_t end = std::min(place.path.find(' ', begin), place.path.size());
    condition += std::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ", place.path.substr(begin, end - begin));
    begin = end + 1;
  }
  std::string children;
  for (const Command& child : place.command->commands) children += " " + child.name;
  if (!children.empty()) condition += std::format("{}not __fish_seen_subcommand_from{}", condition.empty() ? "" : "; and ", children);
  return condition;
}

std::string fish(const Command& root) {
  std::string script = std::format("# fish completion for {0}, made by `{0} completion fish`\n", root.name);
  for (const Place& place : places_of(root)) {
    const std::string condition = fish_condition(place);
    const std::string when = condition.empty() ? "" : std::format(" -n {}", fish_quoted(condition));
    for (const Command& child : place.command->commands) {
      script += std::format("complete -c {} -f{} -a {} -d {}\n", root.name, when, child.name, fish_quoted(child.help));
    }
    for (const CommandOption& option : place.command->options) {
      if (option.names.empty()) continue;
      std::string names;
      for (const std::string& name : option.names) {
        names += name.starts_with("--") ? std::format(" -l {}", name.substr(2)) : std::format(" -s {}", name.substr(1));
      }
      script +=
          std::format("complete -c {}{}{}{} -d {}\n", root.name, when, names, option.value.empty() ? "" : " -r", fish_quoted(option.help));
    }
  }
  return script;
}

}  // namespace

Result<std::string> completion_script(const Command& root, std::string_view shell) {
  if (shell == "bash") return bash(root);
  if (shell == "zsh") return zsh(root);
  if (shell == "fish") return fish(root);
  return fail(ErrorCode::kInvalidArgument, std::format("no completion for the shell '{}'", shell), "use bash, zsh or fish");
}

}  // namespace pensieve::cli
