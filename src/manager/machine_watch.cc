#include "manager/machine_watch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"
#include "machine/pressure_alarm.h"
#include "manager/monitor_view.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

// At shrink, a model that nobody asked for this long leaves memory.
constexpr std::int64_t kIdleSeconds = 60;
constexpr std::size_t kShownEvents = 20;

}  // namespace

MachineWatch::MachineWatch(asio::any_io_executor executor, const MonitorConfig& config, std::unique_ptr<ReadingSource> source, Parts parts)
    : executor_(std::move(executor)),
      interval_(config.interval_ms),
      source_(std::move(source)),
      parts_(parts),
      monitor_(monitor_policy(config)) {}

void MachineWatch::start(bool pressure) {
  asio::co_spawn(executor_, look_again_and_again(), asio::detached);
  if (pressure) asio::co_spawn(executor_, wait_for_pressure(), asio::detached);
}

asio::awaitable<void> MachineWatch::look_again_and_again() {
  asio::steady_timer timer(executor_);
  for (;;) {
    look();
    timer.expires_after(interval_);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> MachineWatch::wait_for_pressure() {
  const std::unique_ptr<PressureAlarm> alarm = PressureAlarm::open();
  if (!alarm) co_return;
  asio::posix::stream_descriptor descriptor(executor_, alarm->descriptor());
  const struct Release {
    asio::posix::stream_descriptor& descriptor;
    ~Release() { descriptor.release(); }  // the alarm closes it
  } release{descriptor};
  const auto kind = alarm->signals_by_exception() ? asio::posix::descriptor_base::wait_error : asio::posix::descriptor_base::wait_read;
  for (;;) {
    co_await descriptor.async_wait(kind, asio::use_awaitable);
    if (!alarm->acknowledge()) co_return;
    spdlog::debug("the system reports memory pressure");
    look();
  }
}

void MachineWatch::look() {
  monitor::Sample sample = source_->read(parts_.clock.steady_now());
  if (!sample.speed) sample.speed = parts_.monitored.speed();
  const std::vector<ModelStatus> models = parts_.manager.status().models;
  const monitor::Ladder ladder = ladder_of(parts_.routing.fleet(), models, parts_.monitored.last_model());
  note_models(models);
  if (const auto change = monitor_.update(sample, ladder)) note_change(*change);
  parts_.manager.throttle(monitor_.throttle());
  parts_.routing.set_machine(machine_view(monitor_, ladder));
  MonitorStatus status = monitor_status(monitor_);
  status.events = parts_.events.newest(kShownEvents);
  parts_.monitored.set_monitor(monitor_.level(), monitor_.until_recovery(), std::move(status));
  unload_idle(models, ladder);
}

void MachineWatch::note_change(const monitor::Change& change) {
  const std::string largest = change.cap_to.empty() ? "any model may answer" : "no model heavier than " + change.cap_to;
  spdlog::log(change.to > change.from || change.downgrade ? spdlog::level::warn : spdlog::level::info, "machine: {} -> {}, {}: {}",
              to_string(change.from), to_string(change.to), largest, change.reason);
  parts_.events.add(event_of(change, unix_ms()));
}

void MachineWatch::note_models(const std::vector<ModelStatus>& models) {
  std::map<std::string, ModelState, std::less<>> states;
  for (const ModelStatus& model : models) {
    states[model.id] = model.state;
    const auto before = states_.find(model.id);
    const ModelState was = before == states_.end() ? ModelState::kUnloaded : before->second;
    if (was == model.state) continue;
    parts_.events.add({.at_unix_ms = unix_ms(),
                       .kind = "model",
                       .from = std::string(to_string(was)),
                       .to = std::string(to_string(model.state)),
                       .model = model.id,
                       .reason = model.state_reason});
  }
  states_ = std::move(states);
}

void MachineWatch::unload_idle(const std::vector<ModelStatus>& models, const monitor::Ladder& ladder) {
  using enum monitor::Level;
  if (monitor_.level() < kShrink || !about_memory(monitor_.wish())) return;
  for (const ModelStatus& model : models) {
    if (model.state != ModelState::kReady || model.active_requests + model.waiting_requests > 0 || model.pinned) continue;
    const monitor::LadderModel* step = ladder.find(model.id);
    const bool too_large = step != nullptr && ladder.above(*step, monitor_.cap(), monitor_.order());
    if (monitor_.level() < kEmergency && !too_large && model.idle_seconds < kIdleSeconds) continue;
    if (!unloading_.insert(model.id).second) continue;
    spdlog::warn("unloading {}: {}", model.id, monitor_.wish().reason());
    asio::co_spawn(executor_, unload(model.id), asio::detached);
  }
}

asio::awaitable<void> MachineWatch::unload(std::string id) {
  if (const Result<void> done = co_await parts_.manager.unload(id); !done) spdlog::warn("unloading {}: {}", id, done.error().text());
  unloading_.erase(id);
}

std::int64_t MachineWatch::unix_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(parts_.clock.wall_now().time_since_epoch()).count();
}

}  // namespace pensieve
