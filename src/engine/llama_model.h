// A GGUF model opened by libllama, with its context.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "engine/adapter_registry.h"
#include "engine/batch_model.h"
#include "engine/llama_api.h"
#include "engine/llama_vocabulary.h"
#include "engine/projector.h"
#include "ipc/messages.h"

namespace pensieve::engine {

class LlamaModel final : public BatchModel {
 public:
  // Opens the file and makes the context; errors as engine::load. Blocks while reading.
  static Result<std::unique_ptr<LlamaModel>> open(const ipc::LoadModel& settings);
  // Makes the context of an opened file.
  static Result<std::unique_ptr<LlamaModel>> open(ModelHandle file, const ipc::LoadModel& settings);

  [[nodiscard]] const llama_model* handle() const { return model_.get(); }

  [[nodiscard]] const LlamaVocabulary& vocabulary() const { return vocabulary_; }
  [[nodiscard]] std::string metadata(const char* key) const;  // empty if absent
  [[nodiscard]] std::string chat_template() const;            // the file's; empty if none

  // What reads images for the model; null: nothing.
  [[nodiscard]] const ImageReader* image_reader() const { return projector_.get(); }

  // All but load_us and chat_template_source.
  [[nodiscard]] const ipc::Loaded& facts() const { return facts_; }

  bool warm_up() override;
  void set_threads(std::int32_t decode, std::int32_t prefill) override;
  void abort() override { aborted_.store(true); }
  [[nodiscard]] const BatchLimits& limits() const override { return limits_; }
  Result<AdapterSetPointer> load_adapters(std::span<const AdapterUse> adapters) override { return adapters_.load(adapters); }
  bool drop_outdated_adapters() override { return adapters_.drop_outdated(); }
  void release_adapters() override;
  void use_adapters(const AdapterSetPointer& adapters) override;
  DecodeOutcome decode(std::span<const BatchToken> batch) override;
  DecodeOutcome decode_image(const EncodableImage& image, std::size_t first, std::size_t count, SequenceId sequence,
                             std::int32_t position) override;
  std::span<float> logits(std::size_t index) override;
  [[nodiscard]] std::size_t reusable_prefix(SequenceId sequence, std::size_t wanted) const override;
  std::size_t truncate(SequenceId sequence, std::size_t length) override;
  void copy(SequenceId from, SequenceId to, std::size_t length) override;
  std::vector<char> checkpoint(SequenceId sequence) override;
  bool rewind(SequenceId sequence, std::size_t length, std::span<const char> checkpoint) override;
  [[nodiscard]] StateForm state_form() const override;
  std::vector<char> save_state(SequenceId sequence, std::size_t begin, std::size_t end) override;
  bool load_state(SequenceId sequence, std::size_t begin, std::size_t end, std::span<const char> state) override;

  // Names all that the state of a conversation depends on but its tokens: the file, the type of the cache
  // and the engine's version.
  [[nodiscard]] const std::string& state_space() const { return state_space_; }

 private:
  explicit LlamaModel(ModelHandle model);
  Result<void> make_context(const ipc::LoadModel& settings);
  void open_projector(const ipc::LoadModel& settings);
  DecodeOutcome compute(const llama_batch& batch);
  void set_limits(const llama_context_params& parameters, std::size_t max_active);
  // The sequence through which pieces of the others come and go.
  [[nodiscard]] SequenceId scratch() const { return static_cast<SequenceId>(limits_.sequences); }

  ModelHandle model_;
  ContextHandle context_;
  std::unique_ptr<Projector> projector_;
  AdapterRegistry adapters_;
  AdapterSetPointer adapters_in_use_;
  LlamaVocabulary vocabulary_;
  BatchLimits limits_;
  ipc::Loaded facts_;
  bool keeps_state_ = false;        // recurrent or hybrid: no way back
  std::size_t sliding_window_ = 0;  // tokens; 0: none
  std::string state_space_;
  std::atomic<bool> aborted_ = false;

  // The batch in libllama's layout; kept for its memory.
  struct BatchArrays {
    std::vector<llama_token> tokens;
    std::vector<llama_pos> positions;
    std::vector<std::int32_t> sequence_counts;
    std::vector<llama_seq_id> sequences;
    std::vector<llama_seq_id*> sequence_pointers;
    std::vector<std::int8_t> outputs;
  } arrays_;
};

}  // namespace pensieve::engine
