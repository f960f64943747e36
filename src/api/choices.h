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

struct ChoiceEvent {
  std::size_t choice = 0;  // index of its request
  GenerationEvent event;
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

  // Id of the model that answers; empty before the first event.
  [[nodiscard]] const std::string& model() const { return model_; }
  [[nodiscard]] std::size_t size() const { return requests_.size(); }

 private:
  boost::asio::awaitable<void> lanes(std::size_t count);
  boost::asio::awaitable<void> lane();
  boost::asio::awaitable<void> generate(std::size_t choice);
  boost::asio::awaitable<void> put(std::size_t choice, GenerationEvent event);

  GenerationService& service_;
  std::vector<GenerationRequest> requests_;
  std::size_t per_prompt_;
  std::size_t begun_ = 0;          // requests that a lane has taken
  std::vector<bool> prompt_read_;  // by request
  std::deque<ChoiceEvent> events_;
  std::string model_;
  Signal arrived_;
  Signal changed_;  // room in events_, or another prompt read
};

}  // namespace pensieve::api
