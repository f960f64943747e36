// A small model answers first; a larger one answers instead if the beginning of that is doubtful.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "manager/answer_trial.h"
#include "manager/service.h"

namespace pensieve {

// What became of the small model's try.
struct CascadeOutcome {
  bool escalated = false;
  double confidence = 0;              // of the judged tokens, 0..1
  std::int32_t tokens = 0;            // that were judged
  std::string reason;                 // of escalation
  std::chrono::milliseconds time{0};  // from the beginning to the verdict
};

// Gives nothing out before the verdict, so that a client sees one model's answer only. If the larger
// model cannot be had, the small one answers again and degraded() says so. `service` and `clock`
// outlive it.
class CascadeStream final : public GenerationStream {
 public:
  struct Settings {
    std::int32_t held_tokens = 16;
    double min_confidence = 0.6;
  };

  // `request` is for the small model, whose stream `small` is; `large`: id of the other. `on_verdict`
  // is called once, unless the stream is destroyed before.
  CascadeStream(GenerationService& service, const Clock& clock, std::unique_ptr<GenerationStream> small, GenerationRequest request,
                std::string large, Settings settings, std::function<void(const CascadeOutcome&)> on_verdict);

  // The request as it goes to the small model: with log probabilities, which next() leaves out again if
  // the client did not ask for them.
  static GenerationRequest with_logprobs(GenerationRequest request);

  boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override;
  [[nodiscard]] const std::string& model() const override { return stream_ ? stream_->model() : large_; }
  [[nodiscard]] std::string degraded() const override;

 private:
  boost::asio::awaitable<bool> hold(SteadyTime deadline);
  boost::asio::awaitable<bool> escalate(SteadyTime deadline);
  [[nodiscard]] std::chrono::milliseconds left(SteadyTime deadline) const;
  void report(bool escalated);
  GenerationEvent shown(GenerationEvent event) const;

  enum class Phase : std::uint8_t { kHolding, kEscalating, kPassing };

  GenerationService& service_;
  const Clock& clock_;
  std::unique_ptr<GenerationStream> stream_;
  GenerationRequest request_;
  std::string large_;
  AnswerTrial trial_;
  std::function<void(const CascadeOutcome&)> on_verdict_;
  SteadyTime begin_;
  Phase phase_ = Phase::kHolding;
  std::deque<GenerationEvent> held_;
  std::optional<Failed> failure_;
  std::string degraded_;
};

}  // namespace pensieve
