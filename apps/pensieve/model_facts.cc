#include "model_facts.h"

#include <algorithm>
#include <format>
#include <map>
#include <type_traits>
#include <variant>

#include "gguf/header.h"
#include "gguf/source.h"
#include "gguf/summary.h"

namespace pensieve::cli {
namespace {

constexpr std::size_t kLongestValue = 200;

std::string value_text(const gguf::Value& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, gguf::Array>) {
          return std::format("[{} elements]", v.count);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return v.size() <= kLongestValue ? v : std::format("{}... ({} bytes)", v.substr(0, kLongestValue), v.size());
        } else {
          return std::format("{}", v);
        }
      },
      value);
}

void add_types(const gguf::Header& header, std::map<std::string, TypeShare>& types) {
  for (const gguf::Tensor& tensor : header.tensors) {
    TypeShare& share = types[std::string(tensor.type.name)];
    share.type = tensor.type.name;
    ++share.tensors;
    share.bytes += static_cast<std::int64_t>(tensor.bytes);
  }
}

void add_shape(const gguf::Header& header, ModelFacts& facts) {
  const auto number = [&](const char* key) { return static_cast<std::int64_t>(header.number(facts.architecture + "." + key).value_or(0)); };
  facts.feed_forward_length = number("feed_forward_length");
  facts.heads = number("attention.head_count");
  facts.kv_heads = number("attention.head_count_kv");
  facts.head_size = number("attention.key_length");
  if (facts.head_size == 0 && facts.heads > 0) facts.head_size = facts.embedding_length / facts.heads;
  facts.experts = number("expert_count");
  facts.experts_used = number("expert_used_count");
  facts.sliding_window_tokens = number("attention.sliding_window");
}

}  // namespace

Result<ModelFacts> read_model_facts(const std::filesystem::path& path) {
  const gguf::Summary summary = TRY(gguf::summarize(path));
  ModelFacts facts{.name = summary.name,
                   .architecture = summary.architecture,
                   .parameters = static_cast<std::int64_t>(summary.parameters),
                   .file_bytes = static_cast<std::int64_t>(summary.file_bytes),
                   .trained_context_tokens = static_cast<std::int64_t>(summary.context_length),
                   .layers = static_cast<std::int64_t>(summary.layers),
                   .embedding_length = static_cast<std::int64_t>(summary.embedding_length),
                   .vocabulary_size = static_cast<std::int64_t>(summary.vocabulary_size),
                   .has_chat_template = summary.has_chat_template};
  std::map<std::string, TypeShare> types;
  for (const std::filesystem::path& file : summary.files) {
    const std::unique_ptr<gguf::Source> source = TRY(gguf::open_file(file));
    const gguf::Header header = TRY(gguf::read_header(*source));
    facts.files.push_back(file.string());
    add_types(header, types);
    if (file != summary.files.front()) continue;
    facts.organization = header.text("general.organization").value_or("");
    facts.license = header.text("general.license").value_or("");
    facts.tokenizer = header.text("tokenizer.ggml.model").value_or("");
    add_shape(header, facts);
    for (const auto& [key, value] : header.metadata) facts.metadata.emplace_back(key, value_text(value));
  }
  for (auto& [name, share] : types) facts.types.push_back(share);
  std::ranges::sort(facts.types, std::greater{}, &TypeShare::bytes);
  return facts;
}

}  // namespace pensieve::cli
