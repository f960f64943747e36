// A conversation's next answer from a running server, over its OpenAI API.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace pensieve {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

struct ChatQuestion {
  std::string model = "auto";
  std::vector<ChatMessage> messages;
  std::int32_t max_tokens = 0;  // 0: as many as the context takes
  double temperature = 0.2;
};

struct ChatAnswer {
  std::string text;
  std::string model;          // id of the one that answered
  std::string finish_reason;  // "stop", "length"; empty if the answer was stopped from here
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::chrono::duration<double> time_to_first_token{0};
  std::chrono::duration<double> decode_time{0};  // first to last text

  // Rate after the first token; 0 if there was only one.
  [[nodiscard]] double tokens_per_second() const;
};

// Reads an answer's events as they arrive.
class AnswerReader {
 public:
  // `on_text` gets each piece of text. Time counts from now on.
  AnswerReader(const Clock& clock, std::function<void(std::string_view)> on_text);

  // Data of one server-sent event; one that is no JSON is left out.
  void on_data(std::string_view data);

  // The answer so far. Error: the one that the server sent in mid-answer.
  [[nodiscard]] Result<ChatAnswer> finish() const;

 private:
  const Clock& clock_;
  std::function<void(std::string_view)> on_text_;
  SteadyTime begin_;
  SteadyTime first_;
  SteadyTime last_;
  std::int64_t pieces_ = 0;
  ChatAnswer answer_;
  std::string failure_;
};

// Body of POST /v1/chat/completions for `question`, streamed with usage.
std::string question_json(const ChatQuestion& question);

// Asks the server at `url` and waits for the whole answer. `stopped` is polled; once true, the answer
// ends with what there is. Errors as http_stream, or what the server sent in mid-answer.
Result<ChatAnswer> ask(const std::string& url, const ChatQuestion& question, const Clock& clock,
                       std::function<void(std::string_view)> on_text, const std::function<bool()>& stopped);

}  // namespace pensieve
