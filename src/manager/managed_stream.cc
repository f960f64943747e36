#include "manager/managed_stream.h"

namespace pensieve {

boost::asio::awaitable<std::optional<GenerationEvent>> ManagedStream::next(std::chrono::milliseconds patience) {
  std::optional<GenerationEvent> event = co_await worker_->next(stream_, patience);
  if (!event) co_return event;
  if (const auto* finished = std::get_if<Finished>(&*event)) {
    counters_->prompt_tokens += finished->usage.prompt_tokens;
    counters_->cached_prompt_tokens += finished->usage.cached_prompt_tokens;
    counters_->completion_tokens += finished->usage.completion_tokens;
    on_finished_(*finished);
  }
  if (std::holds_alternative<Failed>(*event)) ++counters_->failed;
  co_return event;
}

}  // namespace pensieve
