#include "manager/routed_stream.h"

#include <utility>

namespace pensieve {

RoutedStream::~RoutedStream() {
  if (outcome_.ended) return;
  outcome_.ended = outcome_.disconnected = true;
  outcome_.model = model();
  observers_.log.note_outcome(subject_.decision, std::move(outcome_));
}

std::string RoutedStream::degraded() const {
  std::string words = stream_->degraded();
  if (subject_.shortfall.empty()) return words;
  return words.empty() ? subject_.shortfall : subject_.shortfall + "; " + words;
}

boost::asio::awaitable<std::optional<GenerationEvent>> RoutedStream::next(std::chrono::milliseconds patience) {
  std::optional<GenerationEvent> event = co_await stream_->next(patience);
  if (event) observe(*event);
  co_return event;
}

void RoutedStream::observe(const GenerationEvent& event) {
  if (std::holds_alternative<Started>(event)) return;
  if (outcome_.ttft.count() == 0) {
    outcome_.ttft = std::chrono::ceil<std::chrono::milliseconds>(observers_.clock.steady_now() - subject_.begin);
  }
  if (const auto* failed = std::get_if<Failed>(&event)) outcome_.error = failed->error.message;
  if (const auto* finished = std::get_if<Finished>(&event)) {
    const Usage& usage = finished->usage;
    outcome_.prompt_tokens = usage.prompt_tokens;
    outcome_.cached_prompt_tokens = usage.cached_prompt_tokens;
    outcome_.answer_tokens = usage.completion_tokens;
    outcome_.speed = rate(usage.completion_tokens, std::chrono::microseconds(finished->timings.decode_us));
    observers_.history.note_answer(model(), subject_.conversation, usage, finished->timings);
  }
  if (!is_terminal(event)) return;
  outcome_.ended = true;
  outcome_.model = model();
  outcome_.degraded = degraded();
  observers_.log.note_outcome(subject_.decision, outcome_);
}

}  // namespace pensieve
