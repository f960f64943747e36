// A GenerationService around another, for those that change a part of it only.
#pragma once

#include <utility>

#include "manager/service.h"

namespace pensieve {

// Passes everything on. What the service around it adds, it overrides; what a service learns to do
// later reaches the inner one without another line.
class ForwardingService : public GenerationService {
 public:
  // `service` outlives it and its streams.
  explicit ForwardingService(GenerationService& service) : service_(service) {}

  boost::asio::awaitable<Result<void>> choose(GenerationRequest& request) override { return service_.choose(request); }
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override {
    return service_.generate(std::move(request));
  }
  boost::asio::awaitable<bool> settled(std::string model, std::chrono::milliseconds patience) override {
    return service_.settled(std::move(model), patience);
  }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) override {
    return service_.count_tokens(std::move(request));
  }
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) override { return service_.embed(std::move(request)); }
  boost::asio::awaitable<Result<void>> load(std::string model) override { return service_.load(std::move(model)); }
  boost::asio::awaitable<Result<void>> unload(std::string model) override { return service_.unload(std::move(model)); }
  Result<void> pin(std::string_view model, bool pinned) override { return service_.pin(model, pinned); }
  Result<void> keep(std::string_view model, std::optional<std::chrono::seconds> idle) override { return service_.keep(model, idle); }
  [[nodiscard]] Result<ModelStatus> find(std::string_view name) const override { return service_.find(name); }
  [[nodiscard]] ServiceStatus status() const override { return service_.status(); }

 protected:
  GenerationService& service_;
};

}  // namespace pensieve
