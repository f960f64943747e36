// PerformanceMonitor in the server: reads the machine, and has the rest of the server act on it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "manager/event_log.h"
#include "manager/model_manager.h"
#include "manager/monitored_service.h"
#include "manager/reading_source.h"
#include "manager/routing_service.h"
#include "monitor/monitor.h"

namespace pensieve {

// On the supervisor's loop. Twice a second, and at once when the system reports pressure: takes a
// reading, then tells routing which models may answer, workers how fast they may be and admission how
// much it may take, and unloads idle models when memory is short.
class MachineWatch {
 public:
  struct Parts {
    ModelManager& manager;
    RoutingService& routing;
    MonitoredService& monitored;
    EventLog& events;
    const Clock& clock;
  };

  MachineWatch(boost::asio::any_io_executor executor, const MonitorConfig& config, std::unique_ptr<ReadingSource> source, Parts parts);

  // Watches until the loop ends. With `pressure` also the kernel's own alarm (Linux PSI, macOS).
  void start(bool pressure);

  // Reads the machine once and acts on it.
  void look();

 private:
  boost::asio::awaitable<void> look_again_and_again();
  boost::asio::awaitable<void> wait_for_pressure();
  void note_models(const std::vector<ModelStatus>& models);
  void note_change(const monitor::Change& change);
  void unload_idle(const std::vector<ModelStatus>& models, const monitor::Ladder& ladder);
  boost::asio::awaitable<void> unload(std::string id);
  [[nodiscard]] std::int64_t unix_ms() const;

  boost::asio::any_io_executor executor_;
  std::chrono::milliseconds interval_;
  std::unique_ptr<ReadingSource> source_;
  Parts parts_;
  monitor::PerformanceMonitor monitor_;
  std::map<std::string, ModelState, std::less<>> states_;  // of each model at the last look
  std::set<std::string> unloading_;
};

}  // namespace pensieve
