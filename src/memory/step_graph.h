// A step's operations as libllama 0.7 orders them, reduced to the sizes of their results.
//
// The order was read off libllama's own graphs (a callback prints each operation of small synthetic
// models); tests/memory compares the sizes that follow with libllama's for many shapes.
#pragma once

#include <cstdint>

#include "gguf/model_shape.h"
#include "memory/context_settings.h"
#include "memory/lifetimes.h"

namespace pensieve::memory {

class StepGraph {
 public:
  StepGraph(const gguf::ModelShape& model, const ContextSettings& settings);

  // Inputs and embedding, then layers, then the output rows. A run of equal layers needs to be
  // added twice only: from the second on each leaves the room as it found it.
  void begin();
  void layer(const gguf::LayerShape& layer, bool last);
  void end();

  [[nodiscard]] std::uint64_t peak_bytes() const { return lifetimes_.peak_bytes(); }

 private:
  using Tensor = Lifetimes::Tensor;
  static Lifetimes::Use view(Tensor tensor) { return Lifetimes::view(tensor); }

  [[nodiscard]] std::uint64_t floats(std::uint64_t width) const { return width * rows_ * sizeof(float); }
  Tensor matrix(std::uint64_t width, Lifetimes::Use input) { return lifetimes_.operation(floats(width), {input}); }
  Tensor norm(Lifetimes::Use input, std::uint64_t width) { return lifetimes_.operation(floats(width), {input}, true); }
  Tensor add(Tensor a, Tensor b);
  void add_attention_inputs(bool sliding);

  Tensor attention(const gguf::LayerShape& layer, Tensor normed);
  Tensor attend(const gguf::LayerShape& layer, Lifetimes::Use query, Tensor mask, std::uint64_t value_length);
  Tensor latent_attention(const gguf::LayerShape& layer, Tensor normed);
  Tensor rotated(Tensor tensor, std::uint64_t width, std::uint32_t head);
  Tensor mamba(const gguf::LayerShape& layer, Tensor normed);
  Tensor mamba2(const gguf::LayerShape& layer, Tensor normed);
  Tensor delta_net(const gguf::LayerShape& layer, Tensor normed);
  Tensor short_convolution(Tensor normed);
  Tensor rwkv(const gguf::LayerShape& layer, Tensor normed);
  Tensor mixer(const gguf::LayerShape& layer, Tensor normed);
  Tensor dense(std::uint64_t width, bool gated, bool fused, Tensor input);
  Tensor experts(const gguf::LayerShape& layer, Tensor input);

  const gguf::ModelShape& model_;
  const ContextSettings& settings_;
  CacheCells cells_;
  std::uint64_t sequences_ = 1;
  std::uint64_t rows_ = 0;  // tokens in flight; in the last layer only those with an output
  std::uint64_t outputs_ = 0;
  Lifetimes lifetimes_;
  Tensor current_;
  Tensor mask_full_;
  Tensor mask_sliding_;
  Tensor places_full_;  // where values go in the cache
  Tensor places_sliding_;
};

}  // namespace pensieve::memory
