// run: one question, one answer.
#include <unistd.h>

#include <cstdio>
#include <format>
#include <glaze/glaze.hpp>
#include <iterator>
#include <print>

#include "answer_output.h"
#include "background.h"
#include "cli.h"

namespace pensieve::cli {
namespace run_json {  // glaze reads the names of fields only of types with linkage

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t total_tokens = 0;
};

struct Answer {
  std::string answer;
  std::string model;
  std::string finish_reason;
  Usage usage;
  double ttft_ms = 0;
  double tokens_per_second = 0;
};

}  // namespace run_json
namespace {

struct Options {
  std::vector<std::string> words;
  std::string model = "auto";
  std::string system;
  int max_tokens = 512;
  bool json = false;
};

std::string all_of_stdin() {
  std::string text;
  std::vector<char> block(64 * 1024);
  for (ssize_t count = 0; (count = read(STDIN_FILENO, block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<std::size_t>(count));
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// "QUESTION", "MODEL QUESTION", or neither; a question "-" or none stands for standard input.
Result<ChatQuestion> question_of(const Options& options) {
  ChatQuestion question{
      .model = options.words.size() == 2 ? options.words.front() : options.model, .messages = {}, .max_tokens = options.max_tokens};
  std::string text = options.words.empty() ? "-" : options.words.back();
  if (options.words.empty() && is_terminal(STDIN_FILENO)) {
    return fail(ErrorCode::kInvalidArgument, "there is no question", "write it behind the command, or use `pensieve chat`");
  }
  if (text == "-") text = all_of_stdin();
  if (text.empty()) return fail(ErrorCode::kInvalidArgument, "the question is empty", "write one behind the command or into its input");
  if (!options.system.empty()) question.messages.push_back({"system", options.system});
  question.messages.push_back({"user", std::move(text)});
  return question;
}

void print_json(const ChatAnswer& answer) {
  const run_json::Answer out{.answer = answer.text,
                             .model = answer.model,
                             .finish_reason = answer.finish_reason,
                             .usage = {answer.prompt_tokens, answer.completion_tokens, answer.prompt_tokens + answer.completion_tokens},
                             .ttft_ms = answer.time_to_first_token.count() * 1000,
                             .tokens_per_second = answer.tokens_per_second()};
  std::println("{}", glz::write_json(out).value_or("{}"));
}

Result<void> run(const Options& options) {
  const ChatQuestion question = TRY(question_of(options));
  const Paths where = TRY(paths());
  const ServerRecord server = TRY(ensure_server(where));
  const SystemClock clock;
  AnswerOutput output(!options.json);
  const Result<ChatAnswer> answer = ask(server.url, question, clock, [&](std::string_view text) { output.add(text); }, nullptr);
  output.end();
  if (!answer) return std::unexpected(answer.error());
  if (options.json) {
    print_json(*answer);
  } else {
    print_figures(*answer);
  }
  return {};
}

}  // namespace

void add_run(CLI::App& app, Run& chosen) {
  static Options options;
  CLI::App* command = add_command(app, "run", "Ask one question and stream the answer",
                                  "pensieve run \"What is a mutex?\"\n  git diff | pensieve run --system \"Review this change.\"", chosen,
                                  [] { return run(options); });
  command->add_option("question", options.words, "[MODEL] \"QUESTION\"; without a question, or for -, it is read from the input")
      ->expected(0, 2);
  command->add_option("-m,--model", options.model, "id, role, alias or auto")->capture_default_str();
  command->add_option("--system", options.system, "system prompt");
  command->add_option("--max-tokens", options.max_tokens, "longest answer")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  command->add_flag("--json", options.json, "print one JSON object when the answer is whole");
}

}  // namespace pensieve::cli
