// One answer for the client, whichever workers write it.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "manager/answer_so_far.h"
#include "manager/fallback_ladder.h"
#include "manager/managed_stream.h"
#include "manager/service.h"

namespace pensieve {

// What happened since the start; part of ServiceStatus.
struct RequestCounters {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t continued = 0;  // moves of an answer that its client had a part of
  std::uint64_t retried = 0;    // moves before that
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

// Where an answer finds its next worker: ModelManager.
class AnswerSource {
 public:
  // A lease on the model once it is ready, which begins its load; empty if that is not so within
  // `patience`.
  virtual boost::asio::awaitable<std::optional<Result<Lease>>> lease(std::string model, std::chrono::milliseconds patience) = 0;
  // Begins to generate.
  virtual std::unique_ptr<ManagedStream> answer(Lease lease, GenerationRequest request) = 0;
  // False where next_model() names none, ever.
  [[nodiscard]] virtual bool answers_move() const { return true; }
  // The model that goes on; `reach` is the source's to set.
  virtual std::optional<std::string> next_model(LadderQuestion question) = 0;

 protected:
  ~AnswerSource() = default;
};

// Takes its events from one worker after the other: when a worker dies, hangs or fails to compute, the
// answer goes on, on the model that `source` names, from the text that was sent. The client sees one
// stream without a seam; degraded() says when another model wrote a part.
//
// A request that loses worker after worker without a word of progress is perhaps what kills them, so
// it ends in an error after kMostFruitless.
class FailoverStream final : public GenerationStream {
 public:
  // How often an answer may move, and how often in a row without a new token.
  static constexpr int kMostMoves = 8;
  static constexpr int kMostFruitless = 2;

  // `source` outlives every call of next().
  FailoverStream(AnswerSource& source, std::shared_ptr<RequestCounters> counters, GenerationRequest request, Lease lease);

  // For a request whose model failed before it had a worker. Call `recovers()` after it.
  FailoverStream(AnswerSource& source, std::shared_ptr<RequestCounters> counters, GenerationRequest request, const std::string& model,
                 const Error& failure);

  // False if no model can answer: the failure is then the answer.
  [[nodiscard]] bool recovers() const { return stream_ || ready_.empty(); }

  boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override;
  [[nodiscard]] const std::string& model() const override { return stream_ ? stream_->model() : model_; }
  [[nodiscard]] std::string degraded() const override;

 private:
  boost::asio::awaitable<bool> reopen(std::chrono::milliseconds patience);
  void interrupted(const Error& error);
  void move_on(const Error& error);
  void give_up();
  void count(const GenerationEvent& event);
  [[nodiscard]] bool recoverable(const Error& error) const;

  AnswerSource& source_;
  std::shared_ptr<RequestCounters> counters_;
  std::string id_;
  AnswerSoFar answer_;
  std::string asked_;  // the model that was to answer
  std::string model_;  // that answers, or will
  std::unique_ptr<ManagedStream> stream_;
  std::deque<GenerationEvent> ready_;  // for the client
  std::string degraded_;
  std::optional<Error> first_error_;
  std::string lost_;  // the model that failed last
  std::vector<std::string> given_up_;
  int moves_ = 0;
  int fruitless_ = 0;  // moves in a row that brought nothing
  std::int64_t tokens_at_move_ = 0;
};

}  // namespace pensieve
