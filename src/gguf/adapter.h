// LoRA adapters in GGUF files: what they hold, and whether they fit a model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/header.h"

namespace pensieve::gguf {

// The two factors of one tensor's change: W + scale * B A. A has the shape [inputs, rank], B [rank, outputs]
// (for the token table [rank, tokens] and [rank, width], as llama.cpp has it); a third dimension counts experts.
struct AdapterPair {
  std::string base;  // name of the model's tensor, "blk.0.attn_q.weight"
  Tensor a;
  Tensor b;
  std::uint64_t rank = 0;
};

struct Adapter {
  std::string architecture;
  std::string name;  // general.name; may be empty
  double alpha = 0;  // adapter.lora.alpha; 0: the scale is used as it is
  std::vector<AdapterPair> pairs;
  std::vector<std::string> skipped;     // tensors that are no pair (norms): the engine leaves them out
  std::uint64_t invocation_tokens = 0;  // of an activated adapter (aLoRA); 0: an ordinary one
  std::uint64_t data_bytes = 0;

  // What B A is multiplied with: `scale`, times alpha / rank where the adapter has an alpha.
  [[nodiscard]] double effective_scale(const AdapterPair& pair, double scale) const;
  [[nodiscard]] std::uint64_t largest_rank() const;
};

// Errors: kInvalidArgument (no adapter, another kind than LoRA, half of a pair, factors that don't match).
Result<Adapter> read_adapter(const Header& header);

// Whether the adapter was made for a model of that architecture and these tensors. Error kInvalidArgument
// names the first difference.
Result<void> check_adapter(const Adapter& adapter, const std::string& architecture, const std::vector<Tensor>& tensors);

}  // namespace pensieve::gguf
