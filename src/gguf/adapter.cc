#include "gguf/adapter.h"

#include <algorithm>
#include <format>
#include <map>
#include <optional>
#include <string_view>

namespace pensieve::gguf {
namespace {

constexpr std::string_view kTokenTable = "token_embd.weight";

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "convert the adapter again (convert_lora_to_gguf)");
}

std::uint64_t dimension(const Tensor& tensor, std::size_t index) { return index < tensor.dimensions.size() ? tensor.dimensions[index] : 1; }

std::string shape_text(const Tensor& tensor) {
  std::string text;
  for (const std::uint64_t size : tensor.dimensions) text += std::format("{}{}", text.empty() ? "" : " x ", size);
  return text;
}

Result<void> check_type(const Adapter& adapter, const Header& header) {
  if (header.text("general.type").value_or("model") != "adapter") {
    return fail(ErrorCode::kInvalidArgument, "not an adapter: general.type is not 'adapter'", "name a LoRA adapter in GGUF form");
  }
  const std::string kind = header.text("adapter.type").value_or("");
  if (kind != "lora") return bad(std::format("the adapter is of the kind '{}'; only 'lora' is supported", kind));
  if (adapter.architecture.empty()) return bad("the adapter does not name its architecture (general.architecture)");
  return {};
}

// Sorts the tensors into pairs and others.
Result<void> collect(const Header& header, Adapter& adapter) {
  std::map<std::string, std::pair<std::optional<Tensor>, std::optional<Tensor>>> found;
  for (const Tensor& tensor : header.tensors) {
    adapter.data_bytes += tensor.bytes;
    const bool is_a = tensor.name.ends_with(".lora_a");
    if (!is_a && !tensor.name.ends_with(".lora_b")) {
      adapter.skipped.push_back(tensor.name);
      continue;
    }
    auto& pair = found[tensor.name.substr(0, tensor.name.size() - 7)];
    (is_a ? pair.first : pair.second) = tensor;
  }
  for (auto& [base, pair] : found) {
    if (!pair.first || !pair.second) return bad(std::format("{} has no {}", base, pair.first ? "lora_b" : "lora_a"));
    AdapterPair whole{.base = base, .a = *pair.first, .b = *pair.second};
    whole.rank = dimension(whole.b, 0);
    if (dimension(whole.a, base == kTokenTable ? 0 : 1) != whole.rank) {
      return bad(std::format("{}: the factors {} and {} have no rank in common", base, shape_text(whole.a), shape_text(whole.b)));
    }
    adapter.pairs.push_back(std::move(whole));
  }
  if (adapter.pairs.empty()) return bad("the adapter has no pair of lora_a and lora_b");
  return {};
}

bool fits(const AdapterPair& pair, const Tensor& tensor) {
  if (pair.base == kTokenTable) {
    return dimension(tensor, 0) == dimension(pair.b, 1) && dimension(tensor, 1) == dimension(pair.a, 1) && tensor.dimensions.size() <= 2;
  }
  for (std::size_t further = 2; further < 4; ++further) {
    if (dimension(pair.a, further) != dimension(tensor, further) || dimension(pair.b, further) != dimension(tensor, further)) return false;
  }
  return dimension(pair.a, 0) == dimension(tensor, 0) && dimension(pair.b, 1) == dimension(tensor, 1);
}

}  // namespace

double Adapter::effective_scale(const AdapterPair& pair, double scale) const {
  return alpha != 0 ? scale * alpha / static_cast<double>(pair.rank) : scale;
}

std::uint64_t Adapter::largest_rank() const {
  std::uint64_t largest = 0;
  for (const AdapterPair& pair : pairs) largest = std::max(largest, pair.rank);
  return largest;
}

Result<Adapter> read_adapter(const Header& header) {
  Adapter adapter{.architecture = header.text("general.architecture").value_or(""), .name = header.text("general.name").value_or("")};
  TRY_VOID(check_type(adapter, header));
  if (const auto found = header.metadata.find("adapter.lora.alpha"); found != header.metadata.end()) {
    if (const auto* alpha = std::get_if<double>(&found->second)) adapter.alpha = *alpha;
    if (const auto whole = header.number("adapter.lora.alpha")) adapter.alpha = static_cast<double>(*whole);
  }
  if (const auto found = header.metadata.find("adapter.alora.invocation_tokens"); found != header.metadata.end()) {
    if (const auto* tokens = std::get_if<Array>(&found->second)) adapter.invocation_tokens = tokens->count;
  }
  TRY_VOID(collect(header, adapter));
  return adapter;
}

Result<void> check_adapter(const Adapter& adapter, const std::string& architecture, const std::vector<Tensor>& tensors) {
  const std::string advice = "use the adapter with the model that it was trained for";
  if (adapter.architecture != architecture) {
    return fail(ErrorCode::kInvalidArgument,
                std::format("the adapter is for the architecture '{}', the model is '{}'", adapter.architecture, architecture), advice);
  }
  for (const AdapterPair& pair : adapter.pairs) {
    const auto tensor = std::ranges::find(tensors, pair.base, &Tensor::name);
    if (tensor == tensors.end()) {
      return fail(ErrorCode::kInvalidArgument, std::format("the adapter changes {}, which the model does not have", pair.base), advice);
    }
    if (!fits(pair, *tensor)) {
      return fail(ErrorCode::kInvalidArgument,
                  std::format("the adapter's {} ({} and {}) does not fit the model's ({})", pair.base, shape_text(pair.a),
                              shape_text(pair.b), shape_text(*tensor)),
                  advice);
    }
  }
  return {};
}

}  // namespace pensieve::gguf
