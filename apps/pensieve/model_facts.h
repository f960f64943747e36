// All that a model's file tells of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pensieve::cli {

// Weights of one tensor type.
struct TypeShare {
  std::string type;  // "Q4_K"
  std::int64_t tensors = 0;
  std::int64_t bytes = 0;
};

struct ModelFacts {
  std::string name;
  std::string organization;
  std::string license;
  std::string architecture;
  std::int64_t parameters = 0;
  std::int64_t file_bytes = 0;
  std::int64_t trained_context_tokens = 0;
  std::int64_t layers = 0;
  std::int64_t embedding_length = 0;
  std::int64_t feed_forward_length = 0;  // 0 if it differs by layer
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_size = 0;  // of keys
  std::int64_t experts = 0;
  std::int64_t experts_used = 0;
  std::int64_t sliding_window_tokens = 0;
  std::int64_t vocabulary_size = 0;
  std::string tokenizer;  // "gpt2", "llama"
  bool has_chat_template = false;
  std::vector<std::string> files;
  std::vector<TypeShare> types;  // by bytes, largest first
  // Every scalar of the metadata as text, long ones cut; arrays as their length.
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Reads the file and the other parts of a split one. Errors as gguf::summarize.
Result<ModelFacts> read_model_facts(const std::filesystem::path& path);

}  // namespace pensieve::cli
