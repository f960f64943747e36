// How fast the answers under way come, as their readers feel it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/units.h"

namespace pensieve {

// Only the time in which a reader waits for text counts, so that a slow reader does not make the model
// look slow; the time until the first text is not writing. One thread.
class SpeedMeter {
 public:
  using Stream = std::uint64_t;

  Stream begin();
  void end(Stream stream) { streams_.erase(stream); }

  // The reader of `stream` waits for the next text from `now` on.
  void waits(Stream stream, SteadyTime now);
  // Text of `tokens` tokens came (0: nothing within the reader's patience).
  void came(Stream stream, SteadyTime now, std::int64_t tokens);

  // Mean over the answers that have been written for two seconds of the last ten; empty: there are none.
  [[nodiscard]] std::optional<TokensPerSecond> speed(SteadyTime now) const;

 private:
  struct Wait {
    SteadyTime end;
    SteadyTime::duration time;
    std::int64_t tokens = 0;
  };
  struct Reader {
    bool writing = false;  // the first text came
    std::optional<SteadyTime> waits_since;
    std::deque<Wait> waits;
  };

  std::map<Stream, Reader> streams_;
  Stream last_ = 0;
};

}  // namespace pensieve
