// Measures what clients feel: a GenerationService around another.
#pragma once

#include "api/admin/metrics.h"
#include "base/clock.h"
#include "manager/service.h"

namespace pensieve::api {

// Passes everything on to `service` and tells `metrics` when generations began to answer and how
// they ended. All three outlive it and its streams.
class MeasuredService final : public GenerationService {
 public:
  MeasuredService(GenerationService& service, Metrics& metrics, const Clock& clock) : service_(service), metrics_(metrics), clock_(clock) {}

  boost::asio::awaitable<Result<void>> choose(GenerationRequest& request) override { return service_.choose(request); }
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override;
  Result<void> pin(std::string_view model, bool pinned) override { return service_.pin(model, pinned); }
  Result<void> keep(std::string_view model, std::optional<std::chrono::seconds> idle) override { return service_.keep(model, idle); }
  boost::asio::awaitable<bool> settled(std::string model, std::chrono::milliseconds patience) override {
    return service_.settled(std::move(model), patience);
  }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) override {
    return service_.count_tokens(std::move(request));
  }
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) override { return service_.embed(std::move(request)); }
  boost::asio::awaitable<Result<void>> load(std::string model) override { return service_.load(std::move(model)); }
  boost::asio::awaitable<Result<void>> unload(std::string model) override { return service_.unload(std::move(model)); }
  [[nodiscard]] Result<ModelStatus> find(std::string_view name) const override { return service_.find(name); }
  [[nodiscard]] ServiceStatus status() const override { return service_.status(); }

 private:
  GenerationService& service_;
  Metrics& metrics_;
  const Clock& clock_;
};

}  // namespace pensieve::api
