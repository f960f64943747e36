// The fitted weights of the routing score, as tools/routing/fit.py writes them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "selector/assessment.h"
#include "selector/features.h"

namespace pensieve::selector {

// Domains that are recognised from words; kExtraction and kAgentic follow from rules besides.
inline constexpr std::size_t kWordDomains = 7;
// Columns of the projection: a low-rank sketch of the topic, then the gain, the two class
// boundaries and the domains, then padding to a width that vectorises.
inline constexpr std::size_t kSketch = 36;
inline constexpr std::size_t kGainColumn = kSketch;
inline constexpr std::size_t kClassColumn = kGainColumn + 1;
inline constexpr std::size_t kDomainColumn = kClassColumn + 2;
inline constexpr std::size_t kColumns = 48;
static_assert(kDomainColumn + kWordDomains <= kColumns);

// What the weights say of one text.
struct TextEstimate {
  double topic_gain = 0;                      // expected gain of a larger model by topic
  double gain = 0;                            // the same from the words directly
  double medium_logit = 0;                    // log odds that it is at least medium
  double complex_logit = 0;                   // log odds that it is complex
  std::array<double, kWordDomains> domain{};  // higher: more likely
};

class RoutingWeights {
 public:
  // Parses a weights file; `bytes` must outlive the result. Error kInvalidArgument says what is wrong.
  static Result<RoutingWeights> parse(std::span<const unsigned char> bytes);

  // The weights that are part of the binary.
  static const RoutingWeights& embedded();

  [[nodiscard]] TextEstimate estimate(const Features& features) const;

  // 0..1 from an estimate: topic, gain and class together, by fitted factors. Rises with each.
  [[nodiscard]] double score(const TextEstimate& estimate) const;

 private:
  // Constants of the last step, in the order of the file.
  struct Mix {
    float topic_sharpness = 0;
    float topic_mean = 0, topic_scale = 0;
    float gain_mean = 0, gain_scale = 0;
    float class_mean = 0, class_scale = 0;
    float topic_factor = 0, gain_factor = 0, class_factor = 0;
    float offset = 0, slope = 0;
  };

  const std::int8_t* buckets_ = nullptr;  // [kBuckets][kColumns]
  std::array<float, kColumns> scale_{};   // of a column of buckets_
  std::array<float, kColumns> bias_{};
  std::array<float, kFigures> figure_mean_{};
  std::array<float, kFigures> figure_scale_{};
  std::vector<float> figures_;     // [kFigures][kColumns]
  std::vector<float> topics_;      // [topics][kSketch]
  std::vector<float> topic_bias_;  // [topics]
  std::vector<float> topic_gain_;  // [topics]
  Mix mix_;
};

}  // namespace pensieve::selector
