// One answer in the making: from logits to events.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>

#include "base/clock.h"
#include "engine/answer_constraint.h"
#include "engine/engine.h"
#include "engine/prepared_request.h"
#include "engine/sampler.h"
#include "engine/text_stream.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

// Knows nothing of batches and sequences; the scheduler feeds it. Used by the engine thread.
class Generation {
 public:
  // `prepared` must have a prompt. `sequence_tokens`: most tokens that prompt and answer may have.
  Generation(PreparedRequest prepared, const Vocabulary& vocabulary, const EventSink& sink, std::uint32_t seed,
             std::size_t sequence_tokens);

  // Prompt and answer so far; what the model has to have read before the next token.
  [[nodiscard]] std::span<const Token> tokens() const { return tokens_; }
  // The images among them.
  [[nodiscard]] std::span<const PromptImage> images() const { return prepared_.prompt->images; }
  [[nodiscard]] bool cancelled() const { return prepared_.control->cancelled; }
  [[nodiscard]] bool paused() const { return prepared_.control->paused; }
  [[nodiscard]] SteadyTime arrived() const { return prepared_.arrived; }
  [[nodiscard]] bool has_answer() const { return usage_.completion_tokens > 0; }

  // False for a request that only wants its prompt read.
  [[nodiscard]] bool wants_tokens() const { return prepared_.request.max_tokens != 0; }

  // Reports Started, the first time only, and the prompt's text if it was to be echoed and its tokens need no
  // scores. The prompt's last token never counts as cached: clients take a prompt of no tokens for a fault.
  void admit(std::size_t cached_tokens);

  // True while the prompt is to be read from its beginning with a row of logits for each token: an echo with
  // log probabilities.
  [[nodiscard]] bool scores_prompt() const { return echoes_scores_ && prompt_scores_.size() < prompt_tokens_; }

  // Takes the logits after the prompt's token `position`. Those of earlier tokens that come again are passed
  // over. The last one that is needed has the prompt echoed.
  void score_prompt(std::size_t position, std::span<const float> logits);

  // Its first step begins (later calls do nothing).
  void begin(SteadyTime now);

  // The prompt is read and no token is wanted: ends the answer.
  void end_after_prompt(SteadyTime now);

  // Tokens that the answer may still have.
  [[nodiscard]] std::int64_t tokens_left() const;

  // Samples the next token and reports what follows from it. `logits` may be changed. True if the
  // answer has ended. `guessed`: what was guessed of the next tokens and computed already; it has no
  // influence on the token, and counts in the usage.
  bool advance(std::span<float> logits, SteadyTime now, std::span<const Token> guessed = {});

  // Ends the answer for lack of room.
  void end_for_lack_of_room();

  void fail(Error error);

 private:
  // How far a structured answer is from its limit on tokens.
  struct Closing {
    std::int64_t look_at = std::numeric_limits<std::int64_t>::max();  // tokens left when its end is next estimated
    bool now = false;
  };
  // The answer as it is read. On the heap: the constraint refers to the reader.
  struct Reading {
    explicit Reading(std::shared_ptr<const AnswerPlan> answer_plan, const Vocabulary& vocabulary);

    std::shared_ptr<const AnswerPlan> plan;
    AnswerReader reader;
    std::optional<AnswerConstraint> constraint;
    TextStream reasoning{{}};
    TextStream arguments{{}};
    Closing closing;
    std::int32_t calls = 0;
    std::int32_t whole_calls = 0;
  };

  void count_guesses(std::span<const Token> guessed, Token token);
  std::optional<Token> choose(std::span<float> logits);
  bool must_close();
  [[nodiscard]] StopReason natural_end() const;
  bool accept(Token token);
  void read(Token token);
  void send_pieces(const std::vector<AnswerPiece>& pieces);
  void send_arguments(std::string text);
  void end(StopReason reason, std::string stop_sequence = {});
  void send_text(std::string text, std::string reasoning = {});
  void echo();
  void emit(GenerationEvent event);

  PreparedRequest prepared_;
  const Vocabulary& vocabulary_;
  const EventSink& sink_;
  std::vector<Token> tokens_;
  std::size_t sequence_tokens_;
  std::size_t prompt_tokens_;
  bool echoes_scores_;
  std::vector<TokenLogprobs> prompt_scores_;  // of the tokens from the first
  Sampler sampler_;
  TextStream text_;
  std::unique_ptr<Reading> reading_;  // null: the answer is plain text
  Usage usage_;
  Timings timings_;
  bool admitted_ = false;
  std::optional<SteadyTime> began_;
  std::optional<SteadyTime> first_token_;
  std::int64_t guessed_ahead_ = 0;  // tokens behind the last one that were computed already
  std::int32_t unsent_tokens_ = 0;
  std::vector<TokenLogprobs> unsent_logprobs_;
};

}  // namespace pensieve::engine
