// A request for embeddings and its answer, neutral as request.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pensieve {

// Text, or tokens of the model.
struct EmbeddingInput {
  std::string text;
  std::vector<std::int32_t> tokens;
  bool is_tokens = false;
  bool operator==(const EmbeddingInput&) const = default;
};

struct EmbeddingRequest {
  std::string id;
  std::string model;  // as the client named it
  std::vector<EmbeddingInput> inputs;
  bool truncate = false;                   // an input that is too long is cut, else refused
  std::optional<std::int32_t> dimensions;  // fewer than the model's, where it was trained for that
  bool operator==(const EmbeddingRequest&) const = default;
};

// One vector of length 1 (L2) for each input, in order.
struct Embeddings {
  std::string model;  // id of the model that answered
  std::vector<std::vector<float>> vectors;
  std::int64_t prompt_tokens = 0;  // of all inputs
  bool operator==(const Embeddings&) const = default;
};

}  // namespace pensieve
