#include "answer_output.h"

#include <unistd.h>

#include <cstdio>
#include <format>
#include <print>

#include "cli.h"
#include "cli/plain_text.h"

namespace pensieve::cli {

AnswerOutput::AnswerOutput(bool shown) : shown_(shown), terminal_(is_terminal(STDOUT_FILENO)) {}

void AnswerOutput::add(std::string_view text) {
  if (!shown_ || text.empty()) return;
  begun_ = true;
  std::print("{}", terminal_ ? plain_text(text, true) : std::string(text));
  std::fflush(stdout);
}

void AnswerOutput::end() {
  if (begun_) std::println("");
  std::fflush(stdout);
}

void print_figures(const ChatAnswer& answer) {
  if (answer.completion_tokens == 0) return;
  const bool faint = colour(STDERR_FILENO);
  const std::string cut = answer.finish_reason == "length" ? ", cut at its longest" : answer.finish_reason.empty() ? ", stopped" : "";
  std::println(stderr, "{}[{}: first token after {:.0f} ms, {} tokens, {:.1f} tok/s{}]{}", faint ? "\x1b[2m" : "", answer.model,
               answer.time_to_first_token.count() * 1000, answer.completion_tokens, answer.tokens_per_second(), cut,
               faint ? "\x1b[0m" : "");
}

}  // namespace pensieve::cli
