#include "merge/compatibility.h"

#include <algorithm>
#include <cstring>
#include <format>
#include <optional>
#include <string_view>
#include <type_traits>
#include <variant>

namespace pensieve::merge {
namespace {

struct Pair {
  const ModelFile& first;
  const ModelFile& other;
};

std::unexpected<Error> differ(const Pair& pair, std::string_view what, std::string_view a, std::string_view b) {
  return fail(ErrorCode::kInvalidArgument,
              std::format("the models can't be merged: {} is {} in '{}' and {} in '{}'", what, a, pair.first.path().filename().string(), b,
                          pair.other.path().filename().string()),
              "merge fine-tunes of one base model only");
}

std::string value_text(const ModelFile& file, const std::string& key) {
  const auto found = file.header().metadata.find(key);
  if (found == file.header().metadata.end()) return "absent";
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, gguf::Array>) {
          return std::format("a list of {}", value.count);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return std::format("'{}'", value.substr(0, 60));
        } else {
          return std::format("{}", value);
        }
      },
      found->second);
}

// An entry that one file may leave out without a change of meaning: what the engine takes then, or an
// annotation. The trained context may differ where the position encoding does not.
bool may_be_absent(std::string_view key) {
  constexpr std::string_view kDerived[] = {"vocab_size", "rope.dimension_count", "attention.key_length", "attention.value_length"};
  return std::ranges::any_of(kDerived, [&](std::string_view end) { return key.ends_with(end); });
}

Result<bool> same_entry(const Pair& pair, const std::string& key) {
  return TRY(pair.first.metadata_entry(key)) == TRY(pair.other.metadata_entry(key));
}

std::vector<std::string> keys_of_both(const Pair& pair, std::string_view prefix) {
  std::vector<std::string> keys;
  for (const ModelFile* file : {&pair.first, &pair.other}) {
    for (const gguf::MetadataSpan& span : file->header().spans) {
      if (span.key.starts_with(prefix) && !std::ranges::contains(keys, span.key)) keys.push_back(span.key);
    }
  }
  return keys;
}

Result<void> check_sizes(const Pair& pair, std::vector<std::string>& notes) {
  if (pair.first.architecture() != pair.other.architecture()) {
    return differ(pair, "the architecture", pair.first.architecture(), pair.other.architecture());
  }
  for (const std::string& key : keys_of_both(pair, pair.first.architecture() + ".")) {
    if (TRY(same_entry(pair, key))) continue;
    const std::string a = value_text(pair.first, key);
    const std::string b = value_text(pair.other, key);
    if (a == b && !a.starts_with("a list")) continue;  // the same number in another width
    const bool harmless = key.ends_with(".context_length") || ((a == "absent" || b == "absent") && may_be_absent(key));
    if (!harmless) return differ(pair, key, a, b);
    notes.push_back(std::format("{} is {} and {}; the first model's is kept", key, a, b));
  }
  return {};
}

std::string shape_text(const gguf::Tensor& tensor) {
  std::string text;
  for (const std::uint64_t size : tensor.dimensions) text += std::format("{}{}", text.empty() ? "" : " x ", size);
  return text;
}

Result<void> check_tensors(const Pair& pair) {
  for (const gguf::Tensor& tensor : pair.first.tensors()) {
    const gguf::Tensor* other = pair.other.find(tensor.name);
    if (other == nullptr) return differ(pair, std::format("tensor {}", tensor.name), "there", "missing");
    if (other->dimensions != tensor.dimensions) {
      return differ(pair, std::format("the shape of {}", tensor.name), shape_text(tensor), shape_text(*other));
    }
  }
  for (const gguf::Tensor& tensor : pair.other.tensors()) {
    if (pair.first.find(tensor.name) == nullptr) return differ(pair, std::format("tensor {}", tensor.name), "missing", "there");
  }
  return {};
}

// The texts of an array entry, as they follow one another in its bytes. The reader has checked the lengths.
class TextArray {
 public:
  explicit TextArray(std::string_view entry, std::size_t key_bytes) : rest_(entry) {
    constexpr std::size_t kBeforeTexts = 8 + 4 + 4 + 8;  // key length, type, element type, count
    rest_.remove_prefix(std::min(rest_.size(), key_bytes + kBeforeTexts));
  }
  std::optional<std::string_view> next() {
    std::uint64_t length = 0;
    if (rest_.size() < sizeof length) return std::nullopt;
    std::memcpy(&length, rest_.data(), sizeof length);
    const std::string_view text = rest_.substr(sizeof length, length);
    rest_.remove_prefix(sizeof length + text.size());
    return text;
  }

 private:
  std::string_view rest_;
};

Result<void> check_tokens(const Pair& pair) {
  const std::string key = "tokenizer.ggml.tokens";
  const std::string a = TRY(pair.first.metadata_entry(key));
  const std::string b = TRY(pair.other.metadata_entry(key));
  if (a == b) return {};
  if (a.empty() || b.empty()) return differ(pair, key, a.empty() ? "absent" : "there", b.empty() ? "absent" : "there");
  TextArray left(a, key.size());
  TextArray right(b, key.size());
  for (std::size_t index = 0;; ++index) {
    const auto x = left.next();
    const auto y = right.next();
    if (!x && !y) break;
    if (x == y) continue;
    const auto shown = [](const auto& token) { return token ? std::format("'{}'", token->substr(0, 40)) : std::string("missing"); };
    return differ(pair, std::format("token {}", index), shown(x), shown(y));
  }
  return differ(pair, key, value_text(pair.first, key), value_text(pair.other, key));
}

Result<void> check_tokenizer(const Pair& pair, std::vector<std::string>& notes) {
  for (const std::string key : {"tokenizer.ggml.model", "tokenizer.ggml.pre"}) {
    if (!TRY(same_entry(pair, key))) return differ(pair, key, value_text(pair.first, key), value_text(pair.other, key));
  }
  TRY_VOID(check_tokens(pair));
  if (!TRY(same_entry(pair, "tokenizer.ggml.merges"))) {
    return differ(pair, "tokenizer.ggml.merges", "one list", "another");
  }
  for (const std::string& key : keys_of_both(pair, "tokenizer.")) {
    if (!TRY(same_entry(pair, key))) notes.push_back(std::format("{} differs; the first model's is kept", key));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> check_compatible(const ModelFile& first, const ModelFile& other) {
  const Pair pair{first, other};
  std::vector<std::string> notes;
  TRY_VOID(check_sizes(pair, notes));
  TRY_VOID(check_tokenizer(pair, notes));
  TRY_VOID(check_tensors(pair));
  return notes;
}

}  // namespace pensieve::merge
