// The one place that includes libllama and ggml, and the tested range of their versions.
#pragma once

#include <ggml-backend.h>
#include <llama.h>

#include <memory>


#if LLAMA_SESSION_VERSION < 9
#error "libllama is too old: Pensieve is tested with 0.7.0, which ./dev installs"
#endif

namespace pensieve::engine {

inline constexpr const char* kTestedLlamaVersion = "0.7.0";

struct ModelDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};
using ModelHandle = std::unique_ptr<llama_model, ModelDeleter>;
using ContextHandle = std::unique_ptr<llama_context, ContextDeleter>;

}  // namespace pensieve::engine
