// Several generations for one client at the same time, their events in one sequence.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "generation/event.h"
#include "generation/request.h"
#include "manager/service.h"
#include "manager/signal.h"

namespace pensieve::api {

// Who answers, as far as it is known.
struct Answerer {
  std::string model;     // id; empty before the first event
  std::string degraded;  // what any of the answers gets less of; empty: nothing
  bool operator==(const Answerer&) const = default;
};

struct ChoiceEvent {
  std::size_t choice = 0;  // index of its request
  GenerationEvent event;
  std::optional<Answerer> answerer = {};  // from this event on, where it differs from before
};

// `requests` come in groups of `per_prompt` with equal prompts. A group's first request begins
// before the rest, which then find the prompt read; no more than eight run at a time, so that one
// client does not fill the queue. A refusal before the first event is a Failed event here.
class Choices {
 public:
  // `service` outlives this.
  Choices(boost::asio::any_io_executor executor, GenerationService& service, std::vector<GenerationRequest> requests,
          std::size_t per_prompt);

  // Generates while `consume` takes the events, and ends (cancelling what still runs) when
  // `consume` does.
  boost::asio::awaitable<void> run(std::function<boost::asio::awaitable<void>()> consume);

  // For `consume`: the next event of any request; each request's are in order and end with Finished
  // or Failed. Empty if none came within `patience`.
  boost::asio::awaitable<std::optional<ChoiceEvent>> next(std::chrono::milliseconds patience);

  // As of the event that next() gave last.
  [[nodiscard]] const std::string& model() const { return answerer_.model; }
  [[nodiscard]] const std::string& degraded() const { return answerer_.degraded; }
  [[nodiscard]] std::size_t size() const { return requests_.size(); }

 private:
  boost::asio::awaitable<void> lanes(std::size_t count);
  boost::asio::awaitable<void> lane();
  boost::asio::awaitable<void> generate(std::size_t choice);
  std::optional<Answerer> changed_answerer(const GenerationStream& stream);
  boost::asio::awaitable<void> put(ChoiceEvent event);

  GenerationService& service_;
  std::vector<GenerationRequest> requests_;
  std::size_t per_prompt_;
  std::size_t begun_ = 0;          // requests that a lane has taken
  std::vector<bool> prompt_read_;  // by request
  std::deque<ChoiceEvent> events_;
  Answerer answerer_;  // told by next()
  Answerer latest_;    // of what is still in events_ too
  Signal arrived_;
  Signal changed_;  // room in events_, or another prompt read
};

}  // namespace pensieve::api
