#include "api/choices.h"

#include <spdlog/spdlog.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

namespace pensieve::api {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t kMostAtOnce = 8;
constexpr std::size_t kMostEventsWaiting = 16;  // a slow client slows the generation down
constexpr std::chrono::hours kPatience{1};

}  // namespace

Choices::Choices(asio::any_io_executor executor, GenerationService& service, std::vector<GenerationRequest> requests,
                 std::size_t per_prompt)
    : service_(service),
      requests_(std::move(requests)),
      per_prompt_(per_prompt),
      prompt_read_(requests_.size()),
      arrived_(executor),
      changed_(executor) {}

asio::awaitable<void> Choices::run(std::function<asio::awaitable<void>()> consume) {
  co_await (lanes(std::min(kMostAtOnce, requests_.size())) || consume());
}

// Never completes, since that would end `consume` before it has taken the last events.
asio::awaitable<void> Choices::lanes(std::size_t count) {
  if (count > 1)
    co_await (lane() && lanes(count - 1));
  else
    co_await lane();
  for (;;) co_await changed_.wait();
}

asio::awaitable<void> Choices::lane() {
  while (begun_ < requests_.size()) {
    const std::size_t choice = begun_++;
    const std::size_t first = choice / per_prompt_ * per_prompt_;
    while (choice != first && !prompt_read_[first]) co_await changed_.wait();
    std::string defect;
    try {
      co_await generate(choice);
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) throw;
      defect = error.what();
    } catch (const std::exception& error) {
      defect = error.what();
    }
    if (defect.empty()) continue;
    spdlog::error("generating choice {} threw: {}", choice, defect);
    co_await put({choice, Failed{{ErrorCode::kInternal, "the request could not be answered", "see the server's log", ""}}});
  }
}

asio::awaitable<void> Choices::generate(std::size_t choice) {
  auto stream = co_await service_.generate(std::move(requests_[choice]));
  if (!stream) co_return co_await put({choice, Failed{std::move(stream).error()}});
  for (bool ended = false; !ended;) {
    std::optional<GenerationEvent> event = co_await (*stream)->next(kPatience);
    if (!event) continue;
    ended = is_terminal(*event);
    co_await put({choice, std::move(*event), changed_answerer(**stream)});
  }
}

std::optional<Answerer> Choices::changed_answerer(const GenerationStream& stream) {
  Answerer now{.model = stream.model(), .degraded = stream.degraded()};
  if (now.degraded.empty()) now.degraded = latest_.degraded;
  if (now == latest_) return std::nullopt;
  latest_ = now;
  return now;
}

asio::awaitable<void> Choices::put(ChoiceEvent event) {
  while (events_.size() >= kMostEventsWaiting) co_await changed_.wait();
  if (!std::holds_alternative<Started>(event.event) && !prompt_read_[event.choice]) {
    prompt_read_[event.choice] = true;
    changed_.notify();
  }
  events_.push_back(std::move(event));
  arrived_.notify();
}

asio::awaitable<std::optional<ChoiceEvent>> Choices::next(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (events_.empty()) {
    if (!co_await arrived_.wait_until(deadline)) co_return std::nullopt;
  }
  ChoiceEvent event = std::move(events_.front());
  events_.pop_front();
  if (event.answerer) answerer_ = *event.answerer;
  if (events_.size() + 1 == kMostEventsWaiting) changed_.notify();
  co_return event;
}

}  // namespace pensieve::api
