#include "gguf/summary.h"

#include <algorithm>
#include <format>
#include <map>
#include <string_view>
#include <utility>

#include "base/sha256.h"
#include "gguf/projector.h"
#include "gguf/split.h"

namespace pensieve::gguf {
namespace {

void add_tensors(const Header& header, Summary& summary, std::map<std::string_view, std::uint64_t>& bytes_by_type) {
  for (const Tensor& tensor : header.tensors) {
    summary.parameters += tensor.elements;
    bytes_by_type[tensor.type.name] += tensor.bytes;
  }
}

// The largest of a per-layer array or the one value for all layers.
std::uint64_t largest(const Header& header, const std::string& key, std::uint64_t otherwise) {
  if (const auto one = header.number(key)) return *one;
  const auto found = header.metadata.find(key);
  if (found == header.metadata.end()) return otherwise;
  const auto* values = std::get_if<Array>(&found->second);
  if (values == nullptr || values->numbers.empty()) return otherwise;
  const double most = std::ranges::max(values->numbers);
  return most > 0 && most < 1e6 ? static_cast<std::uint64_t>(most) : otherwise;
}

// False for models that see a whole text at once, and so can't write one.
bool reads_forward(const Header& header, const std::string& prefix) {
  const auto found = header.metadata.find(prefix + "attention.causal");
  const bool* causal = found == header.metadata.end() ? nullptr : std::get_if<bool>(&found->second);
  return causal == nullptr || *causal;
}

void add_shape(const Header& header, Summary& summary) {
  const std::string prefix = summary.architecture + ".";
  const auto number = [&](const char* key) { return header.number(prefix + key).value_or(0); };
  summary.context_length = number("context_length");
  summary.makes_embeddings = number("pooling_type") != 0 || !reads_forward(header, prefix);
  summary.sectioned_positions = header.metadata.contains(prefix + "rope.dimension_sections");
  summary.layers = number("block_count");
  summary.embedding_length = number("embedding_length");
  const std::uint64_t heads = largest(header, prefix + "attention.head_count", 0);
  const std::uint64_t kv_heads = largest(header, prefix + "attention.head_count_kv", heads);
  const std::uint64_t head = heads > 0 ? summary.embedding_length / heads : 0;
  const std::uint64_t key_length = header.number(prefix + "attention.key_length").value_or(head);
  const std::uint64_t value_length = header.number(prefix + "attention.value_length").value_or(head);
  constexpr std::uint64_t kSane = 1'000'000;
  if (summary.layers < kSane && kv_heads < kSane && key_length < kSane && value_length < kSane) {
    summary.kv_bytes_per_token = summary.layers * kv_heads * (key_length + value_length) * 2;
  }
  if (const auto tokens = header.metadata.find("tokenizer.ggml.tokens"); tokens != header.metadata.end()) {
    if (const auto* list = std::get_if<Array>(&tokens->second)) summary.vocabulary_size = list->count;
  }
}

std::string fingerprint_of(const Header& header) {
  std::string told = std::format("{}\n{}\n", header.text("general.architecture").value_or(""), header.text("general.name").value_or(""));
  for (const Tensor& tensor : header.tensors)
    told += std::format("{} {} {} {}\n", tensor.name, tensor.type.name, tensor.bytes, tensor.offset);
  return sha256_hex(told).substr(0, 32);
}

// Only a merge says so itself; a fine-tune names its base in the same way.
std::vector<std::string> parents_of(const Header& header) {
  constexpr std::uint64_t kMostParents = 32;
  std::vector<std::string> parents;
  if (!header.metadata.contains("pensieve.merge.version")) return parents;
  const std::uint64_t count = std::min(header.number("general.base_model.count").value_or(0), kMostParents);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (auto name = header.text(std::format("general.base_model.{}.name", i))) parents.push_back(*std::move(name));
  }
  return parents;
}

}  // namespace

Result<Summary> summarize(const std::filesystem::path& path) {
  const std::unique_ptr<Source> source = TRY(open_file(path));
  std::vector<std::filesystem::path> files = {path};
  const auto open_part = [&](std::uint64_t part, std::uint64_t parts) -> Result<std::unique_ptr<Source>> {
    files.push_back(path.parent_path() / TRY(part_name(path.filename().string(), part, parts)));
    return open_file(files.back());
  };
  const Header header = TRY(read_parts(*source, open_part));
  Summary summary{.architecture = header.text("general.architecture").value_or("")};
  if (summary.architecture.empty()) {
    return fail(ErrorCode::kInvalidArgument, "general.architecture is missing: not a model");
  }
  const std::string type = header.text("general.type").value_or("model");
  if (type != "model" || is_projector(header)) {
    return fail(ErrorCode::kInvalidArgument, std::format("not a language model of its own ({})", type == "model" ? "projector" : type));
  }
  constexpr std::uint64_t kRanks = 4;
  if (header.number(summary.architecture + ".pooling_type") == kRanks) {
    return fail(ErrorCode::kUnsupported, "it ranks texts: neither answers nor embeddings", "use a chat model, or one made for embeddings");
  }
  summary.name = header.text("general.name").value_or("");
  summary.has_chat_template = header.metadata.contains("tokenizer.chat_template");
  summary.parents = parents_of(header);
  add_shape(header, summary);
  std::map<std::string_view, std::uint64_t> bytes_by_type;
  add_tensors(header, summary, bytes_by_type);
  summary.files = std::move(files);
  summary.file_bytes = header.file_bytes;
  if (summary.parameters == 0) {
    return fail(ErrorCode::kInvalidArgument, "it holds no tensors (a vocabulary only?)");
  }
  summary.quantization = std::ranges::max_element(bytes_by_type, {}, [](const auto& e) { return e.second; })->first;
  summary.fingerprint = fingerprint_of(header);
  if (Result<ModelShape> shape = model_shape(header)) {
    summary.shape = std::make_shared<const ModelShape>(*std::move(shape));
  }
  return summary;
}

}  // namespace pensieve::gguf
