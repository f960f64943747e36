// Which model goes on with an answer whose worker is lost. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pensieve {

// A model as the ladder sees it.
struct LadderModel {
  std::string id;
  bool ready = false;     // answers at once
  bool loadable = false;  // may be loaded now: did not fail lately, and can have room
  bool fallback = false;  // has the fallback role
  bool sees_images = false;
  std::int64_t file_bytes = 0;
  std::int64_t context_tokens = 0;
};

// engine.failover: how far an answer may move.
enum class FailoverReach : std::uint8_t {
  kOff,   // a lost worker is an error
  kSame,  // the same model, loaded again
  kAny,   // another model, too
};
// kAny for a text that configuration does not let through.
FailoverReach failover_reach(std::string_view text);

struct LadderQuestion {
  std::string lost;                   // the model that failed last
  bool begun = false;                 // the client has text
  bool has_images = false;            // in the request
  std::int64_t context_needed = 0;    // tokens that are there already; 0: unknown
  std::vector<std::string> given_up;  // models that failed this request
  FailoverReach reach = FailoverReach::kAny;
};

// With text sent, whoever can write on at once: a ready model (the fallback first, then the largest), the
// lost model loaded again, the fallback loaded, the largest smaller one, the smallest larger one. Before
// any text the lost model comes first: it was chosen, and nobody sees the difference. Empty: none is left.
std::optional<std::string> next_on_ladder(const std::vector<LadderModel>& models, const LadderQuestion& question);

}  // namespace pensieve
