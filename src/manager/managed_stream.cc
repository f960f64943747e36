#include "manager/managed_stream.h"

namespace pensieve {

boost::asio::awaitable<std::optional<GenerationEvent>> ManagedStream::next(std::chrono::milliseconds patience) {
  std::optional<GenerationEvent> event = co_await worker_->next(stream_, patience);
  if (!event) co_return event;
  if (const auto* finished = std::get_if<Finished>(&*event)) {
    // A whole answer shows that the model works; one that only loads might die at each request.
    lease_->backoff.succeeded();
    on_finished_(*finished);
  }
  co_return event;
}

}  // namespace pensieve
