#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <format>
#include <memory>
#include <string>

namespace pensieve {

Result<void> start_logging(std::string_view level, std::string_view process) {
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") {
    return fail(ErrorCode::kInvalidArgument, std::format("unknown log level '{}'", level), "use trace, debug, info, warn, error or off",
                "log.level");
  }
  auto logger = std::make_shared<spdlog::logger>(std::string(process), std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::info);
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %n: %v");
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace pensieve
