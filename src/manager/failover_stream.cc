#include "manager/failover_stream.h"

#include <algorithm>
#include <format>
#include <utility>

#include "base/log.h"

namespace pensieve {

namespace asio = boost::asio;

FailoverStream::FailoverStream(AnswerSource& source, std::shared_ptr<RequestCounters> counters, GenerationRequest request, Lease lease)
    : source_(source),
      counters_(std::move(counters)),
      id_(request.id),
      answer_(std::move(request), source.answers_move()),
      asked_(lease->model.id),
      model_(asked_),
      stream_(source_.answer(std::move(lease), answer_.first_request())) {}

FailoverStream::FailoverStream(AnswerSource& source, std::shared_ptr<RequestCounters> counters, GenerationRequest request,
                               const std::string& model, const Error& failure)
    : source_(source),
      counters_(std::move(counters)),
      id_(request.id),
      answer_(std::move(request), source.answers_move()),
      asked_(model),
      model_(model) {
  given_up_.push_back(model);
  move_on(failure);
}

asio::awaitable<std::optional<GenerationEvent>> FailoverStream::next(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (ready_.empty()) {
    const auto now = std::chrono::steady_clock::now();
    const auto left = now < deadline ? std::chrono::ceil<std::chrono::milliseconds>(deadline - now) : std::chrono::milliseconds(0);
    if (!stream_) {
      if (!co_await reopen(left)) co_return std::nullopt;
      continue;
    }
    std::optional<GenerationEvent> event = co_await stream_->next(left);
    if (!event) co_return std::nullopt;
    const auto* failed = std::get_if<Failed>(&*event);
    if (failed != nullptr && recoverable(failed->error)) {
      interrupted(failed->error);
    } else {
      answer_.pass(std::move(*event), ready_);
    }
  }
  GenerationEvent event = std::move(ready_.front());
  ready_.pop_front();
  count(event);
  co_return event;
}

std::string FailoverStream::degraded() const {
  const std::string model = stream_ ? stream_->degraded() : "";
  return degraded_.empty() || model.empty() ? degraded_ + model : degraded_ + "; " + model;
}

// What is the worker's fault. After a move also what is a model's: the client's own model had taken the request.
bool FailoverStream::recoverable(const Error& error) const {
  switch (error.code) {
    case ErrorCode::kWorkerLost:
    case ErrorCode::kOutOfMemory:
    case ErrorCode::kInternal:
      return true;
    case ErrorCode::kCancelled:
    case ErrorCode::kUnavailable:  // the server stops
      return false;
    default:
      return moves_ > 0;
  }
}

void FailoverStream::interrupted(const Error& error) {
  stream_.reset();  // gives the lease back
  if (const auto whole = answer_.interrupt()) {
    ready_.emplace_back(*whole);
    return;
  }
  // A worker that lives and refuses would refuse again.
  if (error.code != ErrorCode::kWorkerLost) given_up_.push_back(model_);
  move_on(error);
}

void FailoverStream::move_on(const Error& error) {
  if (!first_error_) first_error_ = error;
  lost_ = model_;
  const bool progress = answer_.tokens() > tokens_at_move_;
  fruitless_ = progress ? 0 : fruitless_ + 1;
  tokens_at_move_ = answer_.tokens();
  if (++moves_ > kMostMoves || fruitless_ > kMostFruitless || !answer_.continuation()) return give_up();
  const auto next = source_.next_model({.lost = lost_,
                                        .begun = answer_.begun(),
                                        .has_images = answer_.has_images(),
                                        .context_needed = answer_.context_needed(),
                                        .given_up = given_up_});
  if (!next) return give_up();
  spdlog::warn("request {}: {} failed after {} tokens ({}); {} goes on", id_, lost_, answer_.tokens(), error.message, *next);
  ++(answer_.begun() ? counters_->continued : counters_->retried);
  model_ = *next;
  if (model_ == asked_) return;
  degraded_ = answer_.begun() ? std::format("{} failed; {} went on after {} tokens", asked_, model_, answer_.tokens())
                              : std::format("{} failed; {} answers instead", asked_, model_);
}

void FailoverStream::give_up() { ready_.emplace_back(Failed{*first_error_}); }

asio::awaitable<bool> FailoverStream::reopen(std::chrono::milliseconds patience) {
  std::optional<Result<Lease>> lease = co_await source_.lease(model_, patience);
  if (!lease) co_return false;
  if (*lease) {
    stream_ = source_.answer(std::move(**lease), *answer_.continuation());
  } else if (lease->error().code == ErrorCode::kUnavailable) {
    ready_.emplace_back(Failed{lease->error()});
  } else {
    given_up_.push_back(model_);
    move_on(lease->error());
  }
  co_return true;
}

void FailoverStream::count(const GenerationEvent& event) {
  if (const auto* finished = std::get_if<Finished>(&event)) {
    counters_->prompt_tokens += finished->usage.prompt_tokens;
    counters_->cached_prompt_tokens += finished->usage.cached_prompt_tokens;
    counters_->completion_tokens += finished->usage.completion_tokens;
  }
  if (std::holds_alternative<Failed>(event)) ++counters_->failed;
}

}  // namespace pensieve
