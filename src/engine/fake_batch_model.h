// A scripted model and a vocabulary of bytes, for tests of the scheduler and of what stands on it.
#pragma once

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/batch_model.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

// Token n < 256 is byte n; 256 ends an answer, 257 begins a sequence; further ones are control
// tokens with the texts given.
class FakeVocabulary final : public Vocabulary {
 public:
  static constexpr Token kEnd = 256;
  static constexpr Token kBegin = 257;

  explicit FakeVocabulary(std::vector<std::string> control = {}) : control_(std::move(control)) {
    control_.insert(control_.begin(), {"</s>", "<s>"});
  }

  [[nodiscard]] std::size_t size() const override { return 256 + control_.size(); }
  [[nodiscard]] bool ends_generation(Token token) const override { return token == kEnd; }
  [[nodiscard]] std::string piece(Token token, bool special) const override {
    if (token < 256) return std::string(1, static_cast<char>(token));
    return special ? control_[static_cast<std::size_t>(token - 256)] : std::string();
  }
  [[nodiscard]] std::vector<Token> tokenize(std::string_view text, bool parse_special) const override {
    std::vector<Token> tokens;
    while (!text.empty()) {
      Token token = static_cast<unsigned char>(text.front());
      std::size_t length = 1;
      for (std::size_t i = 0; parse_special && i < control_.size(); ++i) {
        if (!text.starts_with(control_[i]) || control_[i].size() <= length) continue;
        token = static_cast<Token>(256 + i);
        length = control_[i].size();
      }
      tokens.push_back(token);
      text.remove_prefix(length);
    }
    return tokens;
  }
  [[nodiscard]] std::optional<Token> begin_token() const override { return kBegin; }
  [[nodiscard]] bool begins_prompts() const override { return begins_prompts_; }
  void set_begins_prompts(bool value) { begins_prompts_ = value; }
  [[nodiscard]] std::optional<InfillTokens> infill_tokens() const override { return infill; }
  std::optional<InfillTokens> infill;
  [[nodiscard]] const std::string& begin_text() const override { return control_[1]; }
  [[nodiscard]] const std::string& end_text() const override { return control_[0]; }
  [[nodiscard]] const std::vector<std::string>& control_texts() const override { return control_; }

 private:
  std::vector<std::string> control_;
  bool begins_prompts_ = false;
};

// Plays `script`: the token that follows a sequence's content. Keeps what each sequence holds, as
// the real cache does, and counts what it is fed; a batch that contradicts the content is a defect
// of the caller and noted in `complaints`.
class FakeBatchModel final : public BatchModel {
 public:
  using Script = std::function<Token(std::span<const Token>)>;

  explicit FakeBatchModel(BatchLimits limits) : limits_(limits) {}

  Script script = [](std::span<const Token> content) { return (content.back() + 1) % 256; };
  std::function<void(std::span<const BatchToken>)> during_decode = [](auto) {};
  std::function<DecodeOutcome()> outcome = [] { return DecodeOutcome::kDone; };
  std::function<std::size_t(std::size_t held, std::size_t wanted)> reuse = [](std::size_t, std::size_t wanted) { return wanted; };

  bool forgets = false;  // truncate() loses the whole sequence
  std::function<void(SequenceId sequence, std::size_t length)> during_truncate = [](auto, auto) {};
  int refused_loads = 0;  // of load_state(), from now on

  StateForm form{.divisible = true};
  std::size_t token_bytes = sizeof(Token);  // of a saved state; at least this

  std::vector<std::vector<BatchToken>> batches;  // every batch that was computed
  std::vector<std::string> complaints;
  bool aborted = false;
  std::pair<std::int32_t, std::int32_t> threads;  // last set

  [[nodiscard]] std::size_t tokens_computed() const {
    std::size_t count = 0;
    for (const auto& batch : batches) count += batch.size();
    return count;
  }
  [[nodiscard]] const std::vector<Token>& content(SequenceId sequence) { return content_[sequence]; }

  // A set for each name; "missing" is not there.
  Result<AdapterSetPointer> load_adapters(std::span<const AdapterUse> uses) override {
    if (uses.empty()) return AdapterSetPointer();
    if (uses.front().name == "missing") return fail(ErrorCode::kNotFound, "the adapter 'missing' can't be read", {}, "lora");
    auto set = std::make_shared<AdapterSet>();
    set->key = std::hash<std::string>()(uses.front().name);
    return AdapterSetPointer(std::move(set));
  }
  bool drop_outdated_adapters() override { return false; }
  void release_adapters() override {}
  void use_adapters(const AdapterSetPointer& adapters) override { used_key = adapters ? adapters->key : 0; }
  std::uint64_t used_key = 0;
  std::vector<std::uint64_t> batch_keys;  // the set that each batch was computed with

  bool warm_up() override { return true; }
  void set_threads(std::int32_t decode, std::int32_t prefill) override { threads = {decode, prefill}; }
  void abort() override { aborted = true; }
  [[nodiscard]] const BatchLimits& limits() const override { return limits_; }

  DecodeOutcome decode(std::span<const BatchToken> batch) override {
    if (batch.empty()) complaints.emplace_back("empty batch");
    if (batch.size() > limits_.batch_tokens) complaints.emplace_back("batch too large");
    during_decode(batch);
    if (const auto wanted = outcome(); wanted != DecodeOutcome::kDone) return wanted;
    std::size_t used = batch.size();
    for (const auto& [sequence, tokens] : content_) used += tokens.size();
    if (used > limits_.cells) return DecodeOutcome::kNoSpace;

    batches.emplace_back(batch.begin(), batch.end());
    batch_keys.push_back(used_key);
    rows_.assign(batch.size(), {});
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto& held = content_[batch[i].sequence];
      if (static_cast<std::size_t>(batch[i].position) != held.size()) {
        complaints.emplace_back("position does not follow the content");
      }
      held.push_back(batch[i].token);
      if (!batch[i].wants_logits) continue;
      rows_[i].assign(258, -20.0F);
      rows_[i][static_cast<std::size_t>(script(held))] = 20.0F;
    }
    return DecodeOutcome::kDone;
  }
  DecodeOutcome decode_image(const EncodableImage& image, std::size_t first, std::size_t count, SequenceId sequence,
                             std::int32_t position) override {
    auto& held = content_[sequence];
    if (count == 0 || count > limits_.batch_tokens || first + count > image.tokens().size()) complaints.emplace_back("no such cells");
    if (image.whole() && first + count < image.tokens().size()) complaints.emplace_back("divided what is whole");
    if (static_cast<std::size_t>(position) != held.size()) complaints.emplace_back("an image does not follow the content");
    if (const auto wanted = outcome(); wanted != DecodeOutcome::kDone) return wanted;
    std::size_t used = count;
    for (const auto& [other, tokens] : content_) used += tokens.size();
    if (used > limits_.cells) return DecodeOutcome::kNoSpace;
    images.push_back({sequence, first, count, batches.size()});
    const auto begin = image.tokens().begin() + static_cast<std::ptrdiff_t>(first);
    held.insert(held.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
    return DecodeOutcome::kDone;
  }
  struct ImageStep {
    SequenceId sequence = 0;
    std::size_t first = 0;
    std::size_t count = 0;
    std::size_t batches_before = 0;
    bool operator==(const ImageStep&) const = default;
  };
  std::vector<ImageStep> images;
  std::span<float> logits(std::size_t index) override { return rows_.at(index); }
  [[nodiscard]] std::size_t reusable_prefix(SequenceId sequence, std::size_t wanted) const override {
    const auto held = content_.find(sequence);
    return reuse(held == content_.end() ? 0 : held->second.size(), wanted);
  }
  std::size_t truncate(SequenceId sequence, std::size_t length) override {
    during_truncate(sequence, length);
    auto& held = content_[sequence];
    if (length > held.size()) complaints.emplace_back("truncated to more than there is");
    if (forgets) length = 0;
    held.resize(length);
    return length;
  }
  // A checkpoint is the content's length.
  std::vector<char> checkpoint(SequenceId sequence) override {
    const std::size_t length = content_[sequence].size();
    std::vector<char> state(sizeof length);
    std::memcpy(state.data(), &length, sizeof length);
    return state;
  }
  bool rewind(SequenceId sequence, std::size_t length, std::span<const char> checkpoint) override {
    std::size_t taken_at = 0;
    std::memcpy(&taken_at, checkpoint.data(), sizeof taken_at);
    if (taken_at != length || length > content_[sequence].size()) complaints.emplace_back("another place's checkpoint");
    content_[sequence].resize(length);
    return true;
  }
  [[nodiscard]] StateForm state_form() const override { return form; }
  // The state of a token is its four bytes and others.
  std::vector<char> save_state(SequenceId sequence, std::size_t begin, std::size_t end) override {
    const auto& held = content_[sequence];
    if (end > held.size()) complaints.emplace_back("saved more than there is");
    const auto* bytes = reinterpret_cast<const char*>(held.data());
    std::vector<char> state(bytes + begin * sizeof(Token), bytes + end * sizeof(Token));
    state.resize((end - begin) * token_bytes);
    return state;
  }
  bool load_state(SequenceId sequence, std::size_t begin, std::size_t end, std::span<const char> state) override {
    auto& held = content_[sequence];
    if (begin != held.size()) complaints.emplace_back("loaded behind a gap");
    if (refused_loads > 0 && refused_loads-- > 0) return false;
    std::size_t used = end - begin;
    for (const auto& [other, tokens] : content_) used += tokens.size();
    if (used > limits_.cells || state.size() != (end - begin) * token_bytes) return false;
    held.resize(end);
    std::memcpy(held.data() + begin, state.data(), (end - begin) * sizeof(Token));
    return true;
  }
  void copy(SequenceId from, SequenceId to, std::size_t length) override {
    if (!content_[to].empty()) complaints.emplace_back("copied into a used sequence");
    const auto& source = content_[from];
    content_[to].assign(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(length));
  }

 private:
  BatchLimits limits_;
  std::map<SequenceId, std::vector<Token>> content_;
  std::vector<std::vector<float>> rows_;
};

}  // namespace pensieve::engine
