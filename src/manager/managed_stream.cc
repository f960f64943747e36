#include "manager/managed_stream.h"

namespace pensieve {

boost::asio::awaitable<std::optional<GenerationEvent>> ManagedStream::next(std::chrono::milliseconds patience) {
  std::optional<GenerationEvent> event = co_await worker_->next(stream_, patience);
  const auto* finished = event ? std::get_if<Finished>(&*event) : nullptr;
  if (finished == nullptr) co_return event;
  // A whole answer shows that the model works; one that only loads might die at each request.
  lease_->backoff.succeeded();
  lease_.note_answer(*finished);
  co_return event;
}

}  // namespace pensieve
