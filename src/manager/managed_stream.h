// A generation of one worker that holds its model.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "manager/adapter_choice.h"
#include "manager/resident_table.h"
#include "manager/service.h"

namespace pensieve {

// Passes a worker's events on; gives the lease back at its end.
class ManagedStream final : public GenerationStream {
 public:
  // `on_finished` is told how an answer went that was finished.
  ManagedStream(Lease lease, GenerationRequest request, std::function<void(const Finished&)> on_finished)
      : lease_(std::move(lease)),
        worker_(lease_->worker),
        model_(name_with_adapters(lease_->model.id, request.adapters)),
        stream_(worker_->generate(std::move(request))),
        on_finished_(std::move(on_finished)) {}

  ~ManagedStream() override { worker_->drop(stream_); }
  ManagedStream(const ManagedStream&) = delete;
  ManagedStream& operator=(const ManagedStream&) = delete;

  boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override;

  [[nodiscard]] const std::string& model() const override { return model_; }
  [[nodiscard]] std::string degraded() const override { return lease_->reduced; }

 private:
  Lease lease_;
  std::shared_ptr<WorkerLink> worker_;
  std::string model_;
  ipc::StreamId stream_;
  std::function<void(const Finished&)> on_finished_;
};

}  // namespace pensieve
