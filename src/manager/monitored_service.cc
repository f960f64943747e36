#include "manager/monitored_service.h"

#include <algorithm>
#include <format>
#include <utility>

namespace pensieve {

namespace asio = boost::asio;

// A request that counts as open.
class MonitoredService::Open {
 public:
  explicit Open(std::shared_ptr<State> state) : state_(std::move(state)) { ++state_->open; }
  ~Open() {
    if (state_) --state_->open;
  }
  Open(Open&&) noexcept = default;
  Open& operator=(Open&&) = delete;

 private:
  std::shared_ptr<State> state_;
};

class MonitoredService::Stream final : public GenerationStream {
 public:
  Stream(std::shared_ptr<State> state, std::unique_ptr<GenerationStream> stream, Open open, const Clock& clock, SteadyTime begin)
      : state_(std::move(state)),
        stream_(std::move(stream)),
        open_(std::move(open)),
        clock_(clock),
        begin_(begin),
        meter_(state_->meter.begin()) {}
  ~Stream() override { state_->meter.end(meter_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override {
    state_->meter.waits(meter_, clock_.steady_now());
    std::optional<GenerationEvent> event = co_await stream_->next(patience);
    const auto* delta = event ? std::get_if<Delta>(&*event) : nullptr;
    const bool call = event && std::holds_alternative<ToolCallDelta>(*event);
    state_->meter.came(meter_, clock_.steady_now(), delta != nullptr ? delta->tokens : call ? 1 : 0);
    if (delta != nullptr || call) state_->last_model = stream_->model();
    if (event && std::holds_alternative<Finished>(*event)) note_time();
    co_return event;
  }
  [[nodiscard]] const std::string& model() const override { return stream_->model(); }
  [[nodiscard]] std::string degraded() const override { return stream_->degraded(); }

 private:
  void note_time() {
    constexpr double kNewest = 0.2;
    const std::chrono::duration<double, std::milli> now = clock_.steady_now() - begin_;
    const double mean = static_cast<double>(state_->answer_time.count()) * (1 - kNewest) + now.count() * kNewest;
    state_->answer_time = std::chrono::milliseconds(static_cast<std::int64_t>(mean));
  }

  std::shared_ptr<State> state_;
  std::unique_ptr<GenerationStream> stream_;
  Open open_;
  const Clock& clock_;
  SteadyTime begin_;
  SpeedMeter::Stream meter_;
};

MonitoredService::MonitoredService(GenerationService& service, const EngineConfig& engine, const Clock& clock)
    : ForwardingService(service), engine_(engine), clock_(clock) {}

void MonitoredService::set_monitor(monitor::Level level, std::chrono::milliseconds recovery, MonitorStatus status) {
  level_ = level;
  recovery_ = recovery;
  status_ = std::move(status);
}

Result<void> MonitoredService::admit(const GenerationRequest& request) const {
  if (level_ >= monitor::Level::kCritical) {
    const std::int64_t seconds = std::max<std::int64_t>(1, (recovery_.count() + 999) / 1000);
    return std::unexpected(Error{.code = ErrorCode::kUnavailable,
                                 .message = "the machine is short of memory: " + status_.reason,
                                 .advice = std::format("close other programs, or try again in {} s", seconds),
                                 .retry_after_s = static_cast<std::int32_t>(seconds)});
  }
  const AdmissionBounds bounds = admission_bounds(level_, engine_.parallel, engine_.queue_limit);
  const bool batch = request.priority == Priority::kBatch;
  const std::int64_t bound = batch ? bounds.batch : bounds.interactive;
  if (state_->open < bound) return {};
  const auto retry = retry_after(state_->open, bound, engine_.parallel, state_->answer_time);
  return std::unexpected(Error{.code = ErrorCode::kOverloaded,
                               .message = std::format("{} {}requests are under way or wait already", state_->open, batch ? "" : "other "),
                               .advice = std::format("try again in {}", retry),
                               .retry_after_s = static_cast<std::int32_t>(retry.count())});
}

// Of a queue that is full further in.
Error MonitoredService::with_retry_time(Error error) const {
  if (error.code == ErrorCode::kOverloaded && error.retry_after_s == 0) {
    error.retry_after_s = static_cast<std::int32_t>(
        retry_after(state_->open, engine_.parallel + engine_.queue_limit, engine_.parallel, state_->answer_time).count());
  }
  return error;
}

asio::awaitable<Result<void>> MonitoredService::choose(GenerationRequest& request) {
  if (Result<void> admitted = admit(request); !admitted) co_return admitted;
  co_return co_await service_.choose(request);
}

asio::awaitable<Result<std::unique_ptr<GenerationStream>>> MonitoredService::generate(GenerationRequest request) {
  if (Result<void> admitted = admit(request); !admitted) co_return std::unexpected(std::move(admitted).error());
  const std::shared_ptr<State> state = state_;
  const SteadyTime begin = clock_.steady_now();
  Open open(state);
  Result<std::unique_ptr<GenerationStream>> stream = co_await service_.generate(std::move(request));
  if (!stream) co_return std::unexpected(with_retry_time(std::move(stream).error()));
  co_return std::make_unique<Stream>(state, *std::move(stream), std::move(open), clock_, begin);
}

ServiceStatus MonitoredService::status() const {
  ServiceStatus status = service_.status();
  status.monitor = status_;
  const AdmissionBounds bounds = admission_bounds(level_, engine_.parallel, engine_.queue_limit);
  status.monitor.queue_limit = bounds.interactive;
  status.monitor.requests_open = state_->open;
  return status;
}

}  // namespace pensieve
