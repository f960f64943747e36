#include "manager/triage.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <format>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "selector/conversation.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kShownBytes = 1200;
constexpr double kLeastSaid = 0.02;  // probability of yes and no together that counts as an answer

// Beginning and end of a long text; what is asked stands there.
std::string excerpt(std::string_view text) {
  if (text.size() <= kShownBytes) return replace_invalid_utf8(text);
  return replace_invalid_utf8(std::string(text.substr(0, kShownBytes * 2 / 3)) + " ... " +
                              std::string(text.substr(text.size() - kShownBytes / 3)));
}

std::string word_of(std::string_view bytes) {
  std::string word;
  for (const char c : bytes) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

}  // namespace

GenerationRequest triage_question(const GenerationRequest& request, const selector::TriagePlan& plan) {
  const selector::TaskText task = selector::find_task(request);
  std::string shown = excerpt(task.current);
  if (!task.anchor.empty()) shown = excerpt(task.anchor) + "\n" + shown;
  const char* asked = plan.boundary == 0 ? "Does a good answer to this request need more than a short, simple reply?"
                                         : "Does this request need expert knowledge or many steps of reasoning?";
  GenerationRequest question{.id = request.id + "-triage", .model = plan.model};
  question.messages = {{.role = Role::kSystem, .text = "You judge how hard requests are. You answer with one word: yes or no."},
                       {.role = Role::kUser, .text = std::format("Request:\n{}\n\n{} Answer yes or no.", shown, asked)}};
  question.sampling.temperature = 0;
  question.max_tokens = 1;
  question.top_logprobs = 20;
  return question;
}

std::optional<double> yes_probability(const TokenLogprobs& first) {
  double yes = 0;
  double no = 0;
  for (const TokenLogprob& token : first.top) {
    const std::string word = word_of(token.bytes);
    if (word == "yes") yes += std::exp(token.logprob);
    if (word == "no") no += std::exp(token.logprob);
  }
  if (!(yes + no >= kLeastSaid)) return std::nullopt;
  return yes / (yes + no);
}

asio::awaitable<std::optional<double>> ask_yes_no(GenerationService& service, GenerationRequest question, const Clock& clock,
                                                  std::chrono::milliseconds limit) {
  const SteadyTime deadline = clock.steady_now() + limit;
  if (!co_await service.settled(question.model, std::chrono::milliseconds(0))) co_return std::nullopt;
  const auto stream = co_await service.generate(std::move(question));
  if (!stream) co_return std::nullopt;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock.steady_now());
    if (left.count() <= 0) co_return std::nullopt;
    const std::optional<GenerationEvent> event = co_await (*stream)->next(left);
    if (!event || is_terminal(*event)) co_return std::nullopt;
    const auto* delta = std::get_if<Delta>(&*event);
    if (delta != nullptr && !delta->logprobs.empty()) co_return yes_probability(delta->logprobs.front());
  }
}

}  // namespace pensieve
