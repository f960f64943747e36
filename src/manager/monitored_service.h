// What the machine's state means for requests: a GenerationService around another.
#pragma once

#include <memory>

#include "base/clock.h"
#include "config/config.h"
#include "manager/admission.h"
#include "manager/forwarding_service.h"
#include "manager/speed_meter.h"

namespace pensieve {

// Refuses requests beyond the level's bounds, with the time after which a retry makes sense, and
// measures how fast answers come. On the supervisor's loop; its streams may outlive it.
class MonitoredService final : public ForwardingService {
 public:
  MonitoredService(GenerationService& service, const EngineConfig& engine, const Clock& clock);

  // What the monitor says from now on: shown in status(), and `level` bounds admission. `recovery` is the
  // earliest time until a critical level can end.
  void set_monitor(monitor::Level level, std::chrono::milliseconds recovery, MonitorStatus status);
  [[nodiscard]] std::optional<TokensPerSecond> speed() const { return state_->meter.speed(clock_.steady_now()); }
  [[nodiscard]] const std::string& last_model() const { return state_->last_model; }  // that wrote an answer; empty: none yet

  boost::asio::awaitable<Result<void>> choose(GenerationRequest& request) override;
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override;
  [[nodiscard]] ServiceStatus status() const override;

 private:
  // Shared with the streams.
  struct State {
    SpeedMeter meter;
    std::int64_t open = 0;  // requests that wait or are answered
    std::chrono::milliseconds answer_time{5000};
    std::string last_model;
  };
  class Open;
  class Stream;

  [[nodiscard]] Result<void> admit(const GenerationRequest& request) const;
  [[nodiscard]] Error with_retry_time(Error error) const;

  EngineConfig engine_;
  const Clock& clock_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  monitor::Level level_ = monitor::Level::kNormal;
  std::chrono::milliseconds recovery_{0};
  MonitorStatus status_;
};

}  // namespace pensieve
