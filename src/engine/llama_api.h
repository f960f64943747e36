// The one header that includes libllama's and ggml's, and the place where their versions are
// adapted to. Written against libllama 0.7 with libggml 0.27 (Debian 14).
#pragma once

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <llama.h>

#include <memory>
#include <type_traits>

namespace pensieve::engine {

// Features that this code stands on; a library without them is older or newer than the tested range.
template <typename Parameters>
concept TestedContextParameters = requires(Parameters p) {
  p.n_outputs_max;
  p.kv_unified;
  p.swa_full;
  p.flash_attn_type;
};
template <typename Parameters>
concept TestedModelParameters = requires(Parameters p) { p.load_mode; };
static_assert(TestedContextParameters<llama_context_params> && TestedModelParameters<llama_model_params>,
              "this libllama does not fit: Pensieve is tested with libllama 0.7 (Debian 14)");
static_assert(std::is_same_v<llama_token, int> && std::is_same_v<llama_seq_id, int>,
              "tokens and sequence ids are passed on as 32-bit integers");

struct LlamaDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(llama_context* context) const { llama_free(context); }
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};

using ModelHandle = std::unique_ptr<llama_model, LlamaDeleter>;
using SamplerHandle = std::unique_ptr<llama_sampler, LlamaDeleter>;
using ContextHandle = std::unique_ptr<llama_context, LlamaDeleter>;

}  // namespace pensieve::engine
