// Measures what clients feel: a GenerationService around another.
#pragma once

#include "api/admin/metrics.h"
#include "base/clock.h"
#include "manager/forwarding_service.h"

namespace pensieve::api {

// Passes everything on to `service` and tells `metrics` when generations began to answer and how
// they ended. All three outlive it and its streams.
class MeasuredService final : public ForwardingService {
 public:
  MeasuredService(GenerationService& service, Metrics& metrics, const Clock& clock)
      : ForwardingService(service), metrics_(metrics), clock_(clock) {}

  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override;

 private:
  Metrics& metrics_;
  const Clock& clock_;
};

}  // namespace pensieve::api
