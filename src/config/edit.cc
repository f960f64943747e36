#include "config/edit.h"

#include <algorithm>
#include <format>
#include <sstream>
#include <toml++/toml.hpp>

#include "base/utf8.h"

namespace pensieve {
namespace {

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += std::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string literal(ConfigKind kind, const std::string& value) {
  if (kind == ConfigKind::kNumber || kind == ConfigKind::kBoolean) return value;
  if (kind == ConfigKind::kText) return toml_text(value);
  std::string list;
  std::istringstream parts(value);
  for (std::string part; std::getline(parts, part, ',');) list += (list.empty() ? "" : ", ") + toml_text(part);
  return "[" + list + "]";
}

// A key of TOML: bare where its characters allow it.
std::string toml_key(std::string_view name) {
  const bool bare =
      !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return (std::isalnum(c) != 0 && c < 128) || c == '_' || c == '-'; });
  return bare ? std::string(name) : toml_text(name);
}

// Offset of the beginning of `line` (from 1); the end of the text for the line after the last.
std::size_t line_offset(std::string_view text, std::size_t line) {
  std::size_t offset = 0;
  for (; line > 1 && offset < text.size(); --line) offset = std::min(text.find('\n', offset), text.size() - 1) + 1;
  return offset;
}

// toml++ counts columns in characters, from 1.
std::size_t offset_of(std::string_view text, toml::source_position position) {
  std::size_t offset = line_offset(text, position.line);
  for (auto column = position.column; column > 1 && offset < text.size(); --column) {
    ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80) ++offset;
  }
  return offset;
}

// The last line that an entry of the section takes, or its header's.
std::size_t last_line(const toml::table& section) {
  std::size_t line = section.source().begin.line;
  for (const auto& [name, node] : section) line = std::max<std::size_t>(line, node.source().end.line);
  return line;
}

std::string with_line_after(std::string_view text, std::size_t line, const std::string& added) {
  const std::size_t at = line_offset(text, line + 1);
  std::string out(text.substr(0, at));
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  return out + added + "\n" + std::string(text.substr(at));
}

Result<std::string> edited(std::string_view text, const std::string& section, const std::string& name, const std::string& value) {
  const toml::table root = toml::parse(text);
  const toml::node* node = root.get(section);
  if (node == nullptr) {
    const std::string gap = text.empty() ? "" : text.ends_with('\n') ? "\n" : "\n\n";
    return std::format("{}{}[{}]\n{} = {}\n", text, gap, section, toml_key(name), value);
  }
  const toml::table* table = node->as_table();
  if (table != nullptr && !table->is_inline()) {
    if (const toml::node* old = table->get(name)) {
      const std::size_t begin = offset_of(text, old->source().begin);
      return std::string(text.substr(0, begin)) + value + std::string(text.substr(offset_of(text, old->source().end)));
    }
    // A section without a header of its own is written as "server.port = 1".
    const std::size_t header = line_offset(text, table->source().begin.line);
    const std::size_t first = text.find_first_not_of(" \t", header);
    const bool dotted = first == std::string_view::npos || text[first] != '[';
    return with_line_after(text, last_line(*table), std::format("{}{} = {}", dotted ? section + "." : "", toml_key(name), value));
  }
  return fail(ErrorCode::kInvalidArgument, std::format("'{}' is written in a form that can't be changed from here", section),
              std::format("write it as a section [{}] in the file", section));
}

}  // namespace

Result<std::string> set_in_config_text(std::string_view text, std::string_view key, std::string_view value) {
  Config config;
  ConfigEntry entry = TRY(find_config_entry(config, key));
  const std::size_t dot = key.find('.');
  if (key.starts_with("aliases.")) {
    if (value.empty()) return fail(ErrorCode::kInvalidArgument, std::format("{} needs a model", key), "name an id, a role or auto");
    entry.value = value;
  } else {
    TRY_VOID(set_config_value(config, key, value));
    entry = TRY(find_config_entry(config, key));  // as it is kept: keys as hashes
  }
  if (!is_valid_utf8(entry.value)) return fail(ErrorCode::kInvalidArgument, std::format("the value of {} is not UTF-8", key));
  try {
    std::string changed =
        TRY(edited(text, std::string(key.substr(0, dot)), std::string(key.substr(dot + 1)), literal(entry.kind, entry.value)));
    // Whatever the layout was, what is written must read back.
    const toml::table check = toml::parse(changed);
    if (check[key.substr(0, dot)][key.substr(dot + 1)]) return changed;
    return fail(ErrorCode::kInternal, std::format("{} can't be set in this file", key), "edit the file by hand");
  } catch (const toml::parse_error& problem) {
    return fail(ErrorCode::kInvalidArgument, std::format("line {}: {}", problem.source().begin.line, problem.description()),
                "correct the line in the file first");
  }
}

std::string commented_config() {
  std::string text =
      "# Settings of Pensieve. Remove the # before a line to change it; `pensieve config` shows "
      "what applies.\n";
  std::string section;
  for (const ConfigEntry& entry : describe_config({})) {
    const std::size_t dot = entry.key.find('.');
    if (entry.key.substr(0, dot) != section) {
      section = entry.key.substr(0, dot);
      text += std::format("\n[{}]\n", section);
    }
    text += std::format("# {}\n# {} = {}\n", entry.help, entry.key.substr(dot + 1), literal(entry.kind, entry.default_value));
  }
  return text +
         "\n[aliases]\n# names that clients send, with the id, role or auto name that answers\n# "
         "\"gpt-4o\" = \"primary\"\n";
}

}  // namespace pensieve
