// A snapshot of what could answer: plain values that the manager fills from its models, the memory
// planner and the monitor. The decision is a pure function of it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "selector/assessment.h"
#include "selector/requirement.h"

namespace pensieve::selector {

// Share of ordinary tasks of each domain, of middling difficulty, that a model does well: 0..1.
using Abilities = std::array<double, kDomainCount>;

enum class ModelRole : std::uint8_t { kPrimary, kSecondary, kTertiary, kFallback, kNone };
std::string_view to_string(ModelRole role);  // "primary"; "none"

enum class ModelPlace : std::uint8_t {
  kReady,     // in memory
  kLoading,   // on its way, `load_time` is what is left
  kUnloaded,  // `load_time` is a whole load
  kRemote,    // another server answers; memory does not matter
  kFailed,    // does not load, `place_reason` says why
};

// The memory planner's verdict on serving with the context that this request needs.
enum class MemoryVerdict : std::uint8_t { kFits, kFitsWithLessContext, kDoesNotFit };

struct FleetModel {
  std::string id;
  ModelRole role = ModelRole::kNone;
  ModelPlace place = ModelPlace::kUnloaded;
  std::string place_reason;
  bool accepts_tools = true;
  bool accepts_images = false;
  bool accepts_json = true;
  Abilities abilities{};
  TokensPerSecond decode;  // at this depth and load, the request included
  TokensPerSecond prefill;
  bool speed_measured = false;      // false: predicted
  std::int64_t context_tokens = 0;  // most tokens of one conversation; 0: unknown, not checked
  std::int64_t warm_tokens = 0;     // of this conversation's prompt that are in its cache
  std::chrono::milliseconds load_time{0};
  std::chrono::milliseconds queue_time{0};  // until a place in the batch is free
  MemoryVerdict memory = MemoryVerdict::kFits;
  std::string memory_reason;                    // "needs 26.4 GB, 12.0 GB may be used"
  Bytes footprint;                              // weights, cache and buffers
  std::vector<std::string> evicts;              // models that leave memory for it
  std::chrono::milliseconds evicted_reload{0};  // to bring those back
  std::string next_smaller;                     // a smaller quantization of it, installed; empty: none
};

// How the machine feels: the monitor's view.
struct MachineFeeling {
  Bytes model_memory;    // what models may use in all; 0: unknown
  bool pressed = false;  // memory tight or swapping: loads and evictions hurt more
  bool hot = false;      // throttling: speed is worth more
};

struct FleetSnapshot {
  std::vector<FleetModel> models;
  MachineFeeling machine;
};

// Thresholds and weights of the decision; the defaults are the product's.
struct SelectorPolicy {
  RoutingPolicy routing = RoutingPolicy::kSmart;
  // Difficulty 0..1 becomes the ability that it needs: easiest, plus range.
  double easiest_need = 0.22;
  double need_range = 0.46;
  double need_spread = 0.07;  // of the success curve, in ability
  // A success beyond this is worth nothing more, by quality good, high, maximum.
  std::array<double, 3> enough = {0.60, 0.70, 1.0};
  std::array<double, 3> quality_weight = {1.0, 1.2, 4.0};
  // Weight of time and the seconds that halve its worth, by performance low, medium, high.
  std::array<double, 3> time_weight = {0.25, 0.6, 1.0};
  std::array<double, 3> patience_s = {120, 40, 15};
  double eviction_share = 0.5;    // of the evicted models' reload that this request pays
  double pressed_factor = 3;      // on loads and evictions under pressure
  double footprint_weight = 0.6;  // of the share of model memory that it takes: others have to make room
  // Of the primary model in its strong domains, where others are as good; by quality.
  std::array<double, 3> role_preference = {0, 0.05, 0.05};
  double strong_margin = 0.1;  // a domain is strong if within this of the model's best
};

}  // namespace pensieve::selector
