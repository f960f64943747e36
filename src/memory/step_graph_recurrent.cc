// The layers of a step's graph that keep a state instead of attending.
#include <algorithm>

#include "memory/step_graph.h"

namespace pensieve::memory {

using gguf::LayerShape;

StepGraph::Tensor StepGraph::mamba(const LayerShape& layer, Tensor normed) {
  const std::uint64_t inner = model_.inner_size;
  const std::uint64_t tail = layer.conv_elements * sequences_ * sizeof(float);
  const Tensor conv_state = lifetimes_.operation(tail, {});
  const Tensor both = matrix(2 * inner, view(normed));
  const Tensor joined = lifetimes_.operation(floats(inner) + tail, {view(conv_state), view(both)});
  const Tensor convolved = matrix(inner, joined);
  const Tensor active = lifetimes_.operation(floats(inner), {lifetimes_.operation(floats(inner), {convolved}, true)}, true);
  const Tensor parts = matrix(model_.state_heads + 2ULL * model_.state_size, active);
  const Tensor step = matrix(model_.state_heads, view(parts));
  const Tensor wide = lifetimes_.operation(floats(inner), {matrix(inner, step)}, true);
  const std::uint64_t scan = floats(inner) + layer.state_elements * sequences_ * sizeof(float);
  const Tensor scanned = lifetimes_.operation(scan, {view(active), wide, view(parts)});
  // The states of sequences that are not in the batch move while the scan's result is held.
  const Tensor moved = lifetimes_.operation(layer.state_elements * (sequences_ - 1) * sizeof(float), {});
  lifetimes_.operation(0, {moved});
  lifetimes_.operation(0, {view(scanned)});
  const Tensor gate = matrix(inner, view(both));
  const Tensor skip = lifetimes_.operation(floats(inner), {active}, true);
  const Tensor sum = lifetimes_.operation(floats(inner), {view(scanned), skip}, true);
  return matrix(model_.embedding, lifetimes_.operation(floats(inner), {gate, sum}));
}

StepGraph::Tensor StepGraph::mamba2(const LayerShape& layer, Tensor normed) {
  const std::uint64_t inner = model_.inner_size;
  const std::uint64_t convolution = inner + 2ULL * model_.groups * model_.state_size;
  const std::uint64_t tail = layer.conv_elements * sequences_ * sizeof(float);
  const Tensor conv_state = lifetimes_.operation(tail, {});
  const Tensor all = matrix(inner + convolution + model_.state_heads, view(normed));
  const Tensor joined = lifetimes_.operation(floats(convolution) + tail, {view(conv_state), view(all)});
  const Tensor convolved = matrix(convolution, joined);
  const Tensor active = lifetimes_.operation(floats(convolution), {lifetimes_.operation(floats(convolution), {convolved}, true)}, true);
  const Tensor step = lifetimes_.operation(floats(model_.state_heads), {matrix(model_.state_heads, view(all))}, true);
  const std::uint64_t scan = floats(inner) + layer.state_elements * sequences_ * sizeof(float);
  const Tensor scanned = lifetimes_.operation(scan, {view(active), step});
  // The states of sequences that are not in the batch move while the scan's result is held.
  const Tensor moved = lifetimes_.operation(layer.state_elements * (sequences_ - 1) * sizeof(float), {});
  lifetimes_.operation(0, {moved});
  lifetimes_.operation(0, {view(scanned)});
  const Tensor gate = matrix(inner, view(all));
  const Tensor skip = matrix(inner, view(active));
  const Tensor sum = lifetimes_.operation(floats(inner), {view(scanned), skip}, true);
  Tensor out = lifetimes_.operation(floats(inner), {gate, sum});
  out = norm(view(out), inner);
  return matrix(model_.embedding, view(out));
}

StepGraph::Tensor StepGraph::delta_net(const LayerShape& layer, Tensor normed) {
  const std::uint64_t inner = model_.inner_size;
  const std::uint64_t keys = std::uint64_t{model_.groups} * model_.state_size;
  const std::uint64_t convolution = inner + 2 * keys;
  const std::uint64_t tail = layer.conv_elements * sequences_ * sizeof(float);
  const std::uint64_t state = layer.state_elements * sequences_ * sizeof(float);
  const Tensor conv_state = lifetimes_.operation(tail, {});
  const Tensor all = matrix(convolution, normed);
  const Tensor joined = lifetimes_.operation(floats(convolution) + tail, {view(conv_state), view(all)});
  const Tensor before = lifetimes_.operation(state, {});
  const Tensor convolved = matrix(convolution, view(joined));
  const Tensor active = lifetimes_.operation(floats(convolution), {convolved}, true);
  const Tensor query = lifetimes_.operation(floats(keys), {matrix(keys, view(active))}, true);
  const Tensor key = lifetimes_.operation(floats(keys), {matrix(keys, view(active))}, true);
  const Tensor decay = matrix(model_.state_heads, normed);
  const Tensor rate = matrix(model_.state_heads, normed);
  const Tensor rule = lifetimes_.operation(floats(inner) + state, {query, key, view(active), view(before)});
  lifetimes_.operation(0, {decay, rate});
  lifetimes_.operation(0, {view(rule)});
  const Tensor even = matrix(inner, view(rule));
  const Tensor gate = matrix(inner, normed);
  const Tensor open = lifetimes_.operation(floats(inner), {view(gate)});
  const Tensor out = lifetimes_.operation(floats(inner), {even, open}, true);
  return matrix(model_.embedding, view(out));
}

StepGraph::Tensor StepGraph::short_convolution(Tensor normed) {
  const std::uint64_t width = model_.embedding;
  const Tensor all = matrix(3 * width, view(normed));
  const Tensor product = matrix(width, view(all));
  const Tensor joined = matrix(width, view(product));
  const Tensor convolved = matrix(width, joined);
  const Tensor gated = lifetimes_.operation(floats(width), {view(all), convolved}, true);
  return matrix(width, gated);
}

StepGraph::Tensor StepGraph::rwkv(const LayerShape& layer, Tensor normed) {
  const std::uint64_t width = model_.embedding;
  const std::uint64_t state = layer.state_elements * sequences_ * sizeof(float);
  const Tensor shifted = lifetimes_.operation(floats(width), {normed});
  const Tensor mixes = lifetimes_.operation(floats(5 * width), {shifted, normed});
  const Tensor receptance = matrix(width, view(mixes));
  const Tensor key = matrix(width, view(mixes));
  const Tensor value = matrix(width, view(mixes));
  const Tensor gate = matrix(width, view(mixes));
  const Tensor before = lifetimes_.operation(state, {});
  const Tensor out = lifetimes_.operation(floats(width) + state, {receptance, key, value, view(before)});
  const Tensor gated = lifetimes_.operation(floats(width), {view(out), gate}, true);
  return matrix(width, gated);
}

}  // namespace pensieve::memory
