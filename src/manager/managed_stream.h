// A generation that holds its model.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "manager/resident_table.h"
#include "manager/service.h"

namespace pensieve {

// What happened since the start; part of ServiceStatus.
struct RequestCounters {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

// Passes a worker's events on and counts them; gives the lease back at its end.
class ManagedStream final : public GenerationStream {
 public:
  // `on_finished` is told how an answer went that was finished.
  ManagedStream(std::shared_ptr<RequestCounters> counters, Lease lease, GenerationRequest request,
                std::function<void(const Finished&)> on_finished)
      : counters_(std::move(counters)),
        lease_(std::move(lease)),
        worker_(lease_->worker),
        model_(lease_->model.id),
        stream_(worker_->generate(std::move(request))),
        on_finished_(std::move(on_finished)) {}

  ~ManagedStream() override { worker_->drop(stream_); }
  ManagedStream(const ManagedStream&) = delete;
  ManagedStream& operator=(const ManagedStream&) = delete;

  boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override;

  [[nodiscard]] const std::string& model() const override { return model_; }
  [[nodiscard]] std::string degraded() const override { return lease_->reduced; }

 private:
  std::shared_ptr<RequestCounters> counters_;
  Lease lease_;
  std::shared_ptr<WorkerLink> worker_;
  std::string model_;
  ipc::StreamId stream_;
  std::function<void(const Finished&)> on_finished_;
};

}  // namespace pensieve
