#include "engine/call_reader.h"

#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

namespace pensieve::engine {
namespace {

using Json = nlohmann::ordered_json;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// What stands behind the last `mark`, if there is one.
std::string_view behind(std::string_view text, std::string_view mark) {
  const std::size_t at = mark.empty() ? std::string_view::npos : text.rfind(mark);
  return at == std::string_view::npos ? text : text.substr(at + mark.size());
}

std::string unquoted(const std::string& text) {
  const Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : std::string(trimmed(text));
}

std::string json_word(const std::string& word) {
  if (word == "True") return "true";
  if (word == "False") return "false";
  return word == "None" ? "null" : word;
}

}  // namespace

void CallReader::push(std::string_view bytes, std::vector<CallPiece>& pieces) {
  for (const char byte : bytes) take(byte, pieces);
}

void CallReader::take(char byte, std::vector<CallPiece>& pieces) {
  switch (state_) {
    case State::kBetween:
      return between(byte, pieces);
    case State::kKey:
    case State::kAfterKey:
      return key(byte, pieces);
    case State::kPythonKey:
      return python_key(byte, pieces);
    case State::kName:
    case State::kArguments:
    case State::kOther:
      return format_->shape == ToolFormat::Shape::kPythonic ? python_value(byte, pieces) : value(byte, pieces);
  }
}

void CallReader::between(char byte, std::vector<CallPiece>& pieces) {
  buffer_ += byte;
  switch (format_->shape) {
    case ToolFormat::Shape::kJson:
      if (byte != '{') return;
      buffer_.clear();
      named_ = false;
      has_arguments_ = false;
      early_arguments_.clear();
      state_ = State::kKey;
      return;
    case ToolFormat::Shape::kNamed: {
      if (!buffer_.ends_with(format_->name_end)) return;
      std::string_view name = std::string_view(buffer_).substr(0, buffer_.size() - format_->name_end.size());
      name = behind(behind(name, format_->separator), format_->call_begin);
      begin_call(std::string(trimmed(name)), pieces);
      state_ = State::kArguments;
      return;
    }
    case ToolFormat::Shape::kPythonic:
      break;
  }
  if (byte != '(') {
    // Brackets, commas and blanks before a name are no part of it.
    if (byte == '[' || byte == ']' || byte == ',' || is_blank(byte)) buffer_.clear();
    return;
  }
  buffer_.pop_back();
  begin_call(std::exchange(buffer_, {}), pieces);
  add_arguments("{", pieces);
  first_argument_ = true;
  state_ = State::kPythonKey;
}

// A member's name of a JSON call, up to the colon behind it; commas and blanks before it.
void CallReader::key(char byte, std::vector<CallPiece>& pieces) {
  if (state_ == State::kAfterKey) {
    if (byte != ':') return;
    const std::string name = unquoted(std::exchange(buffer_, {}));
    const bool arguments = name == format_->arguments_key || name == "arguments" || name == "parameters";
    has_arguments_ = has_arguments_ || arguments;
    state_ = name == "name" ? State::kName : arguments ? State::kArguments : State::kOther;
    began_ = false;
    depth_ = 0;
    return;
  }
  if (buffer_.empty()) {
    if (byte == '"') buffer_ = '"';
    if (byte != '}') return;
    if (named_ && !has_arguments_) {
      add_arguments("{}", pieces);
      pieces.push_back({CallPiece::Kind::kEnd});
    }
    state_ = State::kBetween;
    return;
  }
  buffer_ += byte;
  if (escaped_) {
    escaped_ = false;
  } else if (byte == '\\') {
    escaped_ = true;
  } else if (byte == '"') {
    state_ = State::kAfterKey;
  }
}

void CallReader::value(char byte, std::vector<CallPiece>& pieces) {
  if (!began_ && is_blank(byte)) return;
  const bool inside = quote_ != '\0';
  // A scalar member of a JSON call ends at what follows it.
  if (!inside && depth_ == 0 && began_ && (byte == ',' || byte == '}' || is_blank(byte))) {
    end_value(pieces);
    if (byte == '}') end_call(pieces);
    return;
  }
  began_ = true;
  if (state_ == State::kName) buffer_ += byte;
  if (state_ == State::kArguments) add_arguments(std::string_view(&byte, 1), pieces);
  if (inside) {
    if (escaped_) {
      escaped_ = false;
    } else if (byte == '\\') {
      escaped_ = true;
    } else if (byte == '"') {
      quote_ = '\0';
    }
  } else if (byte == '"') {
    quote_ = '"';
  } else if (byte == '{' || byte == '[') {
    ++depth_;
  } else if (byte == '}' || byte == ']') {
    --depth_;
  }
  if (depth_ == 0 && quote_ == '\0' && (byte == '"' || byte == '}' || byte == ']')) end_value(pieces);
}

void CallReader::end_value(std::vector<CallPiece>& pieces) {
  const State ended = state_;
  began_ = false;
  state_ = State::kKey;
  if (ended == State::kName) begin_call(unquoted(std::exchange(buffer_, {})), pieces);
  buffer_.clear();
  if (ended == State::kArguments && format_->shape == ToolFormat::Shape::kNamed) end_call(pieces);
  if (ended != State::kArguments || format_->shape == ToolFormat::Shape::kNamed) return;
  // The object's end, and with it the call's, is told by its bracket; a client need not wait for it.
  if (named_) pieces.push_back({CallPiece::Kind::kEnd});
}

void CallReader::end_call(std::vector<CallPiece>& pieces) {
  if (format_->shape != ToolFormat::Shape::kJson) pieces.push_back({CallPiece::Kind::kEnd});
  state_ = State::kBetween;
  buffer_.clear();
}

void CallReader::begin_call(std::string name, std::vector<CallPiece>& pieces) {
  buffer_.clear();
  named_ = true;
  began_ = false;
  depth_ = 0;
  pieces.push_back({CallPiece::Kind::kName, std::move(name)});
  if (early_arguments_.empty()) return;
  pieces.push_back({CallPiece::Kind::kArguments, std::exchange(early_arguments_, {})});
  pieces.push_back({CallPiece::Kind::kEnd});
}

void CallReader::add_arguments(std::string_view text, std::vector<CallPiece>& pieces) {
  if (!named_) {
    early_arguments_ += text;
  } else if (!pieces.empty() && pieces.back().kind == CallPiece::Kind::kArguments) {
    pieces.back().text += text;
  } else {
    pieces.push_back({CallPiece::Kind::kArguments, std::string(text)});
  }
}

void CallReader::python_key(char byte, std::vector<CallPiece>& pieces) {
  if (byte == ')' && buffer_.empty()) {
    add_arguments("}", pieces);
    return end_call(pieces);
  }
  if (byte != '=') {
    if (!buffer_.empty() || (!is_blank(byte) && byte != ',')) buffer_ += byte;
    return;
  }
  const std::string name = unquoted(std::exchange(buffer_, {}));
  add_arguments((first_argument_ ? "" : ", ") + Json(name).dump(-1, ' ', false, Json::error_handler_t::replace) + ": ", pieces);
  first_argument_ = false;
  began_ = false;
  depth_ = 0;
  state_ = State::kArguments;
}

void CallReader::flush_word(std::vector<CallPiece>& pieces) {
  if (!buffer_.empty()) add_arguments(json_word(std::exchange(buffer_, {})), pieces);
}

// A Python literal as JSON: words are renamed, strings get double quotes.
void CallReader::python_value(char byte, std::vector<CallPiece>& pieces) {
  const std::string_view text(&byte, 1);
  if (quote_ != '\0') {
    if (escaped_) {
      escaped_ = false;
      add_arguments(byte == '\'' ? "'" : "\\" + std::string(text), pieces);
    } else if (byte == '\\') {
      escaped_ = true;
    } else if (byte == quote_) {
      quote_ = '\0';
      add_arguments("\"", pieces);
    } else {
      add_arguments(byte == '"' ? "\\\"" : text, pieces);
    }
    return;
  }
  if (std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '.' || byte == '-' || byte == '+' || byte == '_') {
    buffer_ += byte;
    return;
  }
  flush_word(pieces);
  if (byte == '"' || byte == '\'') {
    quote_ = byte;
    add_arguments("\"", pieces);
  } else if (depth_ == 0 && byte == ',') {
    state_ = State::kPythonKey;
  } else if (depth_ == 0 && byte == ')') {
    add_arguments("}", pieces);
    end_call(pieces);
  } else if (!is_blank(byte) || depth_ > 0) {
    if (byte == '{' || byte == '[') ++depth_;
    if (byte == '}' || byte == ']') --depth_;
    add_arguments(text, pieces);
  }
}

}  // namespace pensieve::engine
