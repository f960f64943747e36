#include "selector/weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace pensieve::selector {
namespace {

constexpr std::array<unsigned char, 8> kMagic = {'P', 'V', 'R', 'O', 'U', 'T', 'E', '1'};
constexpr std::uint32_t kMostTopics = 1024;

// Little-endian reader of the file's arrays.
class Reader {
 public:
  explicit Reader(std::span<const unsigned char> bytes) : rest_(bytes) {}

  bool raw(void* out, std::size_t size) {
    if (rest_.size() < size) return false;
    std::memcpy(out, rest_.data(), size);
    rest_ = rest_.subspan(size);
    return true;
  }
  template <typename Range>
  bool floats(Range& range) {
    return raw(range.data(), range.size() * sizeof(float)) && std::ranges::all_of(range, [](float f) { return std::isfinite(f); });
  }
  [[nodiscard]] std::span<const unsigned char> rest() const { return rest_; }

 private:
  std::span<const unsigned char> rest_;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

Result<RoutingWeights> RoutingWeights::parse(std::span<const unsigned char> bytes) {
  const auto broken = [](const char* what) {
    return fail(ErrorCode::kInvalidArgument, std::string("routing weights: ") + what, "make them again with tools/routing/fit.py");
  };
  Reader reader(bytes);
  std::array<unsigned char, 8> magic{};
  std::array<std::uint32_t, 4> shape{};
  if (!reader.raw(magic.data(), magic.size()) || magic != kMagic) return broken("not a weights file");
  if (!reader.raw(shape.data(), sizeof shape)) return broken("cut short");
  const std::uint32_t topics = shape[3];
  if (shape[0] != kBuckets || shape[1] != kFigures || shape[2] != kColumns || topics == 0 || topics > kMostTopics) {
    return broken("made for other features");
  }
  RoutingWeights weights;
  weights.figures_.resize(kFigures * kColumns);
  weights.topics_.resize(topics * kSketch);
  weights.topic_bias_.resize(topics);
  weights.topic_gain_.resize(topics);
  std::array<float, sizeof(Mix) / sizeof(float)> mix{};
  if (!reader.floats(weights.scale_) || !reader.floats(weights.bias_) || !reader.floats(weights.figure_mean_) ||
      !reader.floats(weights.figure_scale_) || !reader.floats(weights.figures_) || !reader.floats(weights.topics_) ||
      !reader.floats(weights.topic_bias_) || !reader.floats(weights.topic_gain_) || !reader.floats(mix)) {
    return broken("cut short or not finite");
  }
  weights.mix_ = std::bit_cast<Mix>(mix);
  if (reader.rest().size() != kBuckets * kColumns) return broken("of the wrong length");
  weights.buckets_ = reinterpret_cast<const std::int8_t*>(reader.rest().data());
  return weights;
}

TextEstimate RoutingWeights::estimate(const Features& features) const {
  std::array<std::int32_t, kColumns> sum{};
  for (const std::uint16_t bucket : features.buckets) {
    const std::int8_t* row = buckets_ + std::size_t{bucket} * kColumns;
    for (std::size_t c = 0; c < kColumns; ++c) sum[c] += row[c];
  }
  const float norm = 1 / std::sqrt(static_cast<float>(std::max<std::size_t>(1, features.buckets.size())));
  std::array<float, kColumns> out{};
  for (std::size_t c = 0; c < kColumns; ++c) out[c] = bias_[c] + static_cast<float>(sum[c]) * scale_[c] * norm;
  for (std::size_t f = 0; f < kFigures; ++f) {
    const float value = std::clamp((features.figures[f] - figure_mean_[f]) * figure_scale_[f], -3.0F, 3.0F);
    for (std::size_t c = 0; c < kColumns; ++c) out[c] += value * figures_[f * kColumns + c];
  }

  TextEstimate estimate;
  estimate.gain = out[kGainColumn];
  estimate.medium_logit = out[kClassColumn];
  estimate.complex_logit = out[kClassColumn + 1];
  for (std::size_t d = 0; d < kWordDomains; ++d) estimate.domain[d] = out[kDomainColumn + d];
  double total = 0;
  for (std::size_t t = 0; t < topic_bias_.size(); ++t) {
    float similarity = topic_bias_[t];
    for (std::size_t c = 0; c < kSketch; ++c) similarity += out[c] * topics_[t * kSketch + c];
    const double weight = std::exp(std::clamp(mix_.topic_sharpness * similarity, -40.0F, 40.0F));
    total += weight;
    estimate.topic_gain += weight * topic_gain_[t];
  }
  estimate.topic_gain /= total;
  return estimate;
}

double RoutingWeights::score(const TextEstimate& estimate) const {
  const double topic = (estimate.topic_gain - mix_.topic_mean) * mix_.topic_scale;
  const double gain = (estimate.gain - mix_.gain_mean) * mix_.gain_scale;
  const double task = ((estimate.medium_logit + estimate.complex_logit) / 2 - mix_.class_mean) * mix_.class_scale;
  const double sum = mix_.topic_factor * topic + mix_.gain_factor * gain + mix_.class_factor * task;
  return sigmoid((sum - mix_.offset) * mix_.slope);
}

}  // namespace pensieve::selector
