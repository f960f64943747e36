#include "chat_session.h"

#include <cctype>
#include <cstdio>
#include <format>
#include <print>
#include <utility>

#include "answer_output.h"
#include "background.h"
#include "client/http_client.h"

namespace pensieve::cli {
namespace {

std::string path_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == ':' || c == '/';
    out += plain ? std::string(1, c) : std::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace

ChatSession::ChatSession(Paths paths, const Clock& clock, std::string model, std::string system, int max_tokens)
    : paths_(std::move(paths)), clock_(clock), model_(std::move(model)), system_(std::move(system)), max_tokens_(max_tokens) {}

Result<void> ChatSession::say(const std::string& text, const std::function<bool()>& stopped) {
  const ServerRecord server = TRY(ensure_server(paths_));
  ChatQuestion question{.model = model_, .messages = {}, .max_tokens = max_tokens_, .temperature = 0.7};
  if (!system_.empty()) question.messages.push_back({"system", system_});
  question.messages.insert(question.messages.end(), said_.begin(), said_.end());
  question.messages.push_back({"user", text});
  AnswerOutput output(true);
  const Result<ChatAnswer> answer = ask(server.url, question, clock_, [&](std::string_view piece) { output.add(piece); }, stopped);
  output.end();
  if (!answer) return std::unexpected(answer.error());
  // A model is not to see a turn of its own without text.
  if (answer->text.empty()) {
    std::println(stderr, "{}", answer->finish_reason.empty() ? "stopped before the answer began" : "the answer is empty");
    return {};
  }
  print_figures(*answer);
  last_model_ = answer->model;
  said_.push_back({"user", text});
  said_.push_back({"assistant", answer->text});
  return {};
}

Result<void> ChatSession::obey(const ChatCommand& command, const std::function<bool()>& stopped) {
  using Kind = ChatCommand::Kind;
  switch (command.kind) {
    case Kind::kModel:
      return choose_model(command.argument);
    case Kind::kSave:
      return save(command.argument);
    case Kind::kRegenerate:
      return regenerate(stopped);
    case Kind::kSystem:
      system_ = command.argument;
      std::println(stderr, "{}", system_.empty() ? "no system prompt" : "system prompt set");
      return {};
    case Kind::kClear:
      said_.clear();
      std::println(stderr, "the conversation is forgotten");
      return {};
    case Kind::kHelp:
    case Kind::kExit:
      return {};
  }
  return {};
}

Result<void> ChatSession::choose_model(const std::string& name) {
  if (name.empty()) {
    std::println(stderr, "{}{}", model_, last_model_.empty() || last_model_ == model_ ? "" : std::format(" (answered by {})", last_model_));
    return {};
  }
  const ServerRecord server = TRY(ensure_server(paths_));
  TRY_VOID(http_call(std::format("{}/v1/models/{}", server.url, path_segment(name)), "", std::chrono::seconds(10)));
  model_ = name;
  std::println(stderr, "{} answers from now on", model_);
  return {};
}

Result<void> ChatSession::save(const std::string& file) const {
  std::string text;
  if (!system_.empty()) text += std::format("## system\n\n{}\n\n", system_);
  for (const ChatMessage& message : said_) text += std::format("## {}\n\n{}\n\n", message.role, message.content);
  TRY_VOID(write_file_atomically(file, text));
  std::println(stderr, "{} messages written to {}", said_.size(), file);
  return {};
}

Result<void> ChatSession::regenerate(const std::function<bool()>& stopped) {
  if (said_.size() < 2) return fail(ErrorCode::kInvalidArgument, "there is no answer yet", "ask something first");
  const std::vector<ChatMessage> before = said_;
  said_.resize(said_.size() - 2);
  Result<void> said = say(before[before.size() - 2].content, stopped);
  if (!said) said_ = before;
  return said;
}

}  // namespace pensieve::cli
