#include "manager/cascade_stream.h"

#include <algorithm>
#include <format>
#include <utility>

namespace pensieve {

namespace asio = boost::asio;

CascadeStream::CascadeStream(GenerationService& service, const Clock& clock, std::unique_ptr<GenerationStream> small,
                             GenerationRequest request, std::string large, Settings settings,
                             std::function<void(const CascadeOutcome&)> on_verdict)
    : service_(service),
      clock_(clock),
      stream_(std::move(small)),
      request_(std::move(request)),
      large_(std::move(large)),
      trial_(request_.tools, settings.held_tokens, settings.min_confidence),
      on_verdict_(std::move(on_verdict)),
      begin_(clock.steady_now()) {}

GenerationRequest CascadeStream::with_logprobs(GenerationRequest request) {
  request.top_logprobs = std::max(request.top_logprobs, 0);
  return request;
}

std::string CascadeStream::degraded() const {
  std::string words = stream_ ? stream_->degraded() : "";
  if (degraded_.empty() || words.empty()) return degraded_ + words;
  return degraded_ + "; " + words;
}

std::chrono::milliseconds CascadeStream::left(SteadyTime deadline) const {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_.steady_now()), std::chrono::milliseconds(0));
}

void CascadeStream::report(bool escalated) {
  if (!on_verdict_) return;
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(clock_.steady_now() - begin_);
  std::exchange(on_verdict_, nullptr)({escalated, trial_.confidence(), trial_.tokens(), trial_.reason(), time});
}

// True at the verdict; false if it did not come in time.
asio::awaitable<bool> CascadeStream::hold(SteadyTime deadline) {
  for (;;) {
    std::optional<GenerationEvent> event = co_await stream_->next(left(deadline));
    if (!event) co_return false;
    const AnswerTrial::Verdict verdict = trial_.add(*event);
    held_.push_back(std::move(*event));
    if (verdict == AnswerTrial::Verdict::kOpen) continue;
    const bool doubted = verdict == AnswerTrial::Verdict::kDoubted;
    phase_ = doubted ? Phase::kEscalating : Phase::kPassing;
    if (doubted) {
      held_.clear();
      stream_.reset();  // the larger model may need its memory
    }
    report(doubted);
    co_return true;
  }
}

// True once a model answers, or none can; false if that takes longer.
asio::awaitable<bool> CascadeStream::escalate(SteadyTime deadline) {
  if (!co_await service_.settled(large_, left(deadline))) co_return false;
  GenerationRequest request = request_;
  request.model = large_;
  Result<std::unique_ptr<GenerationStream>> stream = co_await service_.generate(std::move(request));
  if (!stream) {
    degraded_ =
        std::format("'{}' could not answer ({}); '{}' answers, though {}", large_, stream.error().message, request_.model, trial_.reason());
    const Error refusal = std::move(stream).error();
    stream = co_await service_.generate(std::move(request_));
    if (!stream) failure_ = Failed{refusal};
  }
  if (stream) stream_ = *std::move(stream);
  phase_ = Phase::kPassing;
  co_return true;
}

GenerationEvent CascadeStream::shown(GenerationEvent event) const {
  auto* delta = std::get_if<Delta>(&event);
  if (delta != nullptr && request_.top_logprobs < 0) delta->logprobs.clear();
  return event;
}

asio::awaitable<std::optional<GenerationEvent>> CascadeStream::next(std::chrono::milliseconds patience) {
  const SteadyTime deadline = clock_.steady_now() + patience;
  if (phase_ == Phase::kHolding && !co_await hold(deadline)) co_return std::nullopt;
  if (phase_ == Phase::kEscalating && !co_await escalate(deadline)) co_return std::nullopt;
  if (failure_) co_return *std::exchange(failure_, std::nullopt);
  if (!held_.empty()) {
    GenerationEvent event = std::move(held_.front());
    held_.pop_front();
    co_return shown(std::move(event));
  }
  std::optional<GenerationEvent> event = co_await stream_->next(left(deadline));
  if (event) event = shown(std::move(*event));
  co_return event;
}

}  // namespace pensieve
