// What of a model's layout decides its memory and its speed, taken from the header alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "gguf/header.h"

namespace pensieve::gguf {

// What carries a layer's memory from token to token besides, or instead of, attention.
enum class StateKind : std::uint8_t { kNone, kMamba, kMamba2, kDeltaNet, kShortConvolution, kRwkv };

// How a tensor's bytes are touched, by its place in the model.
struct LayerShape {
  bool attention = false;
  bool sliding = false;    // looks back at most ModelShape::sliding_window tokens
  bool shares_kv = false;  // reads the cache of an earlier layer and has none of its own
  bool fused_qkv = false;  // one tensor for Q, K and V
  bool query_key_norm = false;
  bool query_gate = false;  // the Q tensor holds a gate of the same width beside Q
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t key_length = 0;  // elements of one head in the cache
  std::uint32_t value_length = 0;
  // Multi-head latent attention: the cache holds one latent row instead of K and V.
  std::uint32_t latent_rank = 0;  // 0: none
  std::uint32_t latent_rope = 0;
  std::uint32_t query_rank = 0;  // 0: Q is not compressed
  std::uint32_t latent_key = 0;  // of one head, before absorption
  std::uint32_t latent_value = 0;

  StateKind state = StateKind::kNone;
  std::uint64_t conv_elements = 0;  // f32 elements that one sequence keeps
  std::uint64_t state_elements = 0;

  std::uint32_t feed_forward = 0;  // width; 0: no dense feed-forward
  bool gated = false;
  bool fused_gate = false;                // gate and up in one tensor
  std::uint32_t expert_feed_forward = 0;  // 0: no experts
  std::uint32_t shared_feed_forward = 0;  // of the experts that always run
  bool post_attention_norm = false;       // an own norm after attention, before the residual
  bool post_feed_forward_norm = false;

  Bytes dense_bytes;   // touched by every token
  Bytes expert_bytes;  // touched in the share experts_used / experts
  auto operator<=>(const LayerShape&) const = default;
};

struct ModelShape {
  std::string architecture;
  std::string name;
  std::uint64_t parameters = 0;
  std::uint64_t active_parameters = 0;  // that one token touches
  std::uint32_t embedding = 0;
  std::uint32_t vocabulary = 0;
  std::uint64_t context_length = 0;  // as trained
  std::uint32_t experts = 0;
  std::uint32_t experts_used = 0;
  bool normalises_experts = true;  // expert weights are divided by their sum
  std::uint32_t sliding_window = 0;
  // State-space layers, as the metadata names them.
  std::uint32_t conv_kernel = 0;
  std::uint32_t inner_size = 0;
  std::uint32_t state_size = 0;
  std::uint32_t state_heads = 0;  // time_step_rank
  std::uint32_t groups = 0;
  double rope_base = 0;
  bool tied_embeddings = false;  // the output matrix is the token table
  bool has_tokenizer = false;
  bool has_chat_template = false;
  std::vector<LayerShape> layers;
  std::string token_table_type;  // "Q8_0"
  std::string output_type;
  Bytes token_table_bytes;
  Bytes output_bytes;                                              // of the output matrix; the token table's if tied
  Bytes other_bytes;                                               // norms, rope factors
  Bytes tensor_bytes;                                              // all tensors as they lie in memory, each padded to 32 bytes
  Bytes file_bytes;                                                // of all parts
  std::map<std::string, Bytes, std::less<>> bytes_by_type;         // of matrices, "Q4_K" -> bytes
  std::map<std::string, Bytes, std::less<>> expert_bytes_by_type;  // of which in experts
  std::map<std::string, Bytes, std::less<>> tile_bytes_by_type;    // of which can be laid out in tiles, see fits_tiles()
  bool token_table_fits_tiles = false;
  std::string quantization;  // type of most weight bytes
};

// True for matrices whose rows and columns fill whole tiles of 32 x 32, as kernels for a CPU's matrix
// instructions need; experts and the token table are multiplied or read in another way.
bool fits_tiles(const Tensor& tensor);

// Reads the shape from the header of a whole model (of a split one: of its first part, with the
// tensors of all parts in `header.tensors`). Errors: kInvalidArgument naming the field that is
// missing, zero or out of bounds; kUnsupported (not a language model of its own).
Result<ModelShape> model_shape(const Header& header);

}  // namespace pensieve::gguf
