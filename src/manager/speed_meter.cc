#include "manager/speed_meter.h"

namespace pensieve {
namespace {

constexpr std::chrono::seconds kWindow{10};
constexpr std::chrono::seconds kLeast{2};

}  // namespace

SpeedMeter::Stream SpeedMeter::begin() {
  streams_[++last_];
  return last_;
}

void SpeedMeter::waits(Stream stream, SteadyTime now) {
  if (const auto found = streams_.find(stream); found != streams_.end()) found->second.waits_since = now;
}

void SpeedMeter::came(Stream stream, SteadyTime now, std::int64_t tokens) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  Reader& reader = found->second;
  const SteadyTime since = reader.waits_since.value_or(now);
  reader.waits_since.reset();
  if (reader.writing) {
    reader.waits.push_back({now, now - since, tokens});
    while (reader.waits.front().end < now - kWindow) reader.waits.pop_front();
  }
  if (tokens > 0) reader.writing = true;
}

std::optional<TokensPerSecond> SpeedMeter::speed(SteadyTime now) const {
  double sum = 0;
  int counted = 0;
  for (const auto& [id, reader] : streams_) {
    if (!reader.writing) continue;
    SteadyTime::duration time = reader.waits_since ? now - *reader.waits_since : SteadyTime::duration{};
    std::int64_t tokens = 0;
    for (const Wait& wait : reader.waits) {
      if (wait.end < now - kWindow) continue;
      time += wait.time;
      tokens += wait.tokens;
    }
    if (time < kLeast) continue;
    sum += rate(tokens, time).value;
    ++counted;
  }
  return counted > 0 ? std::optional(TokensPerSecond{sum / counted}) : std::nullopt;
}

}  // namespace pensieve
