#include "client/chat.h"

#include <glaze/glaze.hpp>
#include <map>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "client/http_client.h"

namespace pensieve {
namespace chat_wire {  // glaze reads the names of fields only of types with linkage

struct StreamOptions {
  bool include_usage = true;
};

struct Body {
  std::string model;
  bool stream = true;
  StreamOptions stream_options;
  double temperature = 0;
  std::optional<std::int32_t> max_tokens;
  std::vector<ChatMessage> messages;
};

struct Delta {
  std::optional<std::string> content;
};

struct Choice {
  Delta delta;
  std::optional<std::string> finish_reason;
};

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

struct Problem {
  std::string message;
};

struct Chunk {
  std::string model;
  std::vector<Choice> choices;
  std::optional<Usage> usage;
  std::optional<Problem> error;
};

struct EscapedJson : glz::opts {
  bool escape_control_characters = true;  // what a person types or pipes in may hold some
};

}  // namespace chat_wire

double ChatAnswer::tokens_per_second() const {
  return decode_time.count() > 0 && completion_tokens > 1 ? static_cast<double>(completion_tokens - 1) / decode_time.count() : 0;
}

AnswerReader::AnswerReader(const Clock& clock, std::function<void(std::string_view)> on_text)
    : clock_(clock), on_text_(std::move(on_text)), begin_(clock.steady_now()) {}

void AnswerReader::on_data(std::string_view data) {
  chat_wire::Chunk chunk;
  constexpr glz::opts kOptions{.error_on_unknown_keys = false};
  if (glz::read<kOptions>(chunk, data)) return;
  if (chunk.error) failure_ = chunk.error->message;
  if (!chunk.model.empty()) answer_.model = chunk.model;
  if (chunk.usage) {
    answer_.prompt_tokens = chunk.usage->prompt_tokens;
    answer_.completion_tokens = chunk.usage->completion_tokens;
  }
  if (chunk.choices.empty()) return;
  const chat_wire::Choice& choice = chunk.choices.front();
  if (choice.finish_reason) answer_.finish_reason = *choice.finish_reason;
  if (!choice.delta.content || choice.delta.content->empty()) return;
  last_ = clock_.steady_now();
  if (pieces_++ == 0) first_ = last_;
  answer_.text += *choice.delta.content;
  on_text_(*choice.delta.content);
}

Result<ChatAnswer> AnswerReader::finish() const {
  if (!failure_.empty()) return fail(ErrorCode::kInternal, "the answer broke off: " + failure_, "ask again");
  ChatAnswer answer = answer_;
  // A stopped answer gets no usage; a piece is a token, or a few.
  if (answer.completion_tokens == 0) answer.completion_tokens = pieces_;
  if (pieces_ > 0) {
    answer.time_to_first_token = first_ - begin_;
    answer.decode_time = last_ - first_;
  }
  return answer;
}

std::string question_json(const ChatQuestion& question) {
  chat_wire::Body body{.model = question.model,
                       .stream_options = {},
                       .temperature = question.temperature,
                       .max_tokens = question.max_tokens > 0 ? std::optional(question.max_tokens) : std::nullopt,
                       .messages = question.messages};
  for (ChatMessage& message : body.messages) message.content = replace_invalid_utf8(message.content);
  std::string json;
  if (glz::write<chat_wire::EscapedJson{}>(body, json)) return {};
  return json;
}

Result<ChatAnswer> ask(const std::string& url, const ChatQuestion& question, const Clock& clock,
                       std::function<void(std::string_view)> on_text, const std::function<bool()>& stopped) {
  AnswerReader reader(clock, std::move(on_text));
  TRY_VOID(
      http_stream(url + "/v1/chat/completions", question_json(question), [&](std::string_view data) { reader.on_data(data); }, stopped));
  return reader.finish();
}

}  // namespace pensieve
