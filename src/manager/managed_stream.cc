#include "manager/managed_stream.h"

namespace pensieve {

boost::asio::awaitable<std::optional<GenerationEvent>> ManagedStream::next(std::chrono::milliseconds patience) {
  std::optional<GenerationEvent> event = co_await worker_->next(stream_, patience);
  // A whole answer shows that the model works; one that only loads might die at each request.
  if (event && std::holds_alternative<Finished>(*event)) lease_->backoff.succeeded();
  co_return event;
}

}  // namespace pensieve
