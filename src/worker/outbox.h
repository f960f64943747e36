// Backpressure of one stream: how many events may be in flight, and what happens to the rest.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "generation/event.h"
#include "ipc/messages.h"

namespace pensieve::worker {

// Events of one stream on their way out. Without credits, text deltas that follow each other are
// merged; the other events queue up behind them in order.
class Outbox {
 public:
  void push(GenerationEvent event);
  // Credits stay within bounds whatever the other side sends.
  void add_credits(std::int32_t events);

  // The next event that may be sent now; uses up a credit. A terminal event needs none.
  std::optional<GenerationEvent> take();

  // True once more than kMaxPendingBytes wait: the sequence should rest.
  [[nodiscard]] bool full() const { return pending_bytes_ > ipc::kMaxPendingBytes; }

 private:
  std::deque<GenerationEvent> pending_;
  std::size_t pending_bytes_ = 0;
  std::int32_t credits_ = ipc::kInitialCredits;
};

}  // namespace pensieve::worker
