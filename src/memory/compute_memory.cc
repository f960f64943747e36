#include "memory/compute_memory.h"

#include <algorithm>
#include <vector>

#include "memory/step_graph.h"

namespace pensieve::memory {
namespace {

// The layers that a graph needs to show the peak of all: each kind of layer up to twice where it
// first occurs, and the last one.
std::vector<std::size_t> telling_layers(const std::vector<gguf::LayerShape>& layers) {
  std::vector<std::size_t> chosen;
  std::vector<std::pair<std::size_t, int>> kinds;  // an example and how often it was chosen
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    const auto same = std::ranges::find_if(kinds, [&](const auto& kind) {
      gguf::LayerShape a = layers[kind.first];
      a.dense_bytes = layers[i].dense_bytes;
      a.expert_bytes = layers[i].expert_bytes;
      return a == layers[i];
    });
    if (same == kinds.end()) {
      kinds.emplace_back(i, 1);
    } else if (++same->second > 2) {
      continue;
    }
    chosen.push_back(i);
  }
  chosen.push_back(layers.size() - 1);
  return chosen;
}

}  // namespace

Bytes compute_memory(const gguf::ModelShape& model, const ContextSettings& settings) {
  if (model.layers.empty()) return {};
  StepGraph graph(model, settings);
  graph.begin();
  for (const std::size_t i : telling_layers(model.layers)) graph.layer(model.layers[i], i + 1 == model.layers.size());
  graph.end();
  return {static_cast<std::int64_t>(graph.peak_bytes())};
}

}  // namespace pensieve::memory
