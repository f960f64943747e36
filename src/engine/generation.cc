#include "engine/generation.h"

#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/utf8.h"
#include "engine/logprobs.h"

namespace pensieve::engine {
namespace {

std::int64_t microseconds(SteadyTime from, SteadyTime to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

// The request's stop strings, then those that end the model's turn.
std::vector<std::string> all_stops(const PreparedRequest& prepared) {
  std::vector<std::string> stops = prepared.request.stop;
  const auto& ends = prepared.prompt->turn_ends;
  stops.insert(stops.end(), ends.begin(), ends.end());
  return stops;
}

}  // namespace

Generation::Generation(PreparedRequest prepared, const Vocabulary& vocabulary, const EventSink& sink, std::uint32_t seed,
                       std::size_t sequence_tokens)
    : prepared_(std::move(prepared)),
      vocabulary_(vocabulary),
      sink_(sink),
      tokens_(std::move(prepared_.prompt->tokens)),
      sequence_tokens_(sequence_tokens),
      prompt_tokens_(tokens_.size()),
      echoes_scores_(prepared_.request.echo_prompt && prepared_.request.top_logprobs >= 0),
      sampler_(prepared_.request.sampling, tokens_, seed),
      text_(all_stops(prepared_)) {
  usage_.prompt_tokens = static_cast<std::int64_t>(tokens_.size());
  const auto& plan = prepared_.prompt->answer;
  if (plan && (plan->reads() || plan->whole)) reading_ = std::make_unique<Reading>(plan, vocabulary_);
}

Generation::Reading::Reading(std::shared_ptr<const AnswerPlan> answer_plan, const Vocabulary& vocabulary)
    : plan(std::move(answer_plan)), reader(plan->reading) {
  if (plan->groups) constraint.emplace(*plan, reader, vocabulary);
  if (!plan->within_call) return;
  static_cast<void>(reader.push(plan->begun));
  calls = 1;
}

void Generation::admit(std::size_t cached_tokens) {
  if (std::exchange(admitted_, true)) return;
  usage_.cached_prompt_tokens = static_cast<std::int64_t>(std::min(cached_tokens, prompt_tokens_ - 1));
  emit(Started{usage_});
  if (echoes_scores_) prompt_scores_.push_back(unscored(tokens_.front(), vocabulary_));
  if (!scores_prompt()) echo();
}

void Generation::score_prompt(std::size_t position, std::span<const float> logits) {
  if (position + 1 != prompt_scores_.size() || !scores_prompt()) return;
  const Token token = tokens_[position + 1];
  const float logit = logits[static_cast<std::size_t>(token)];
  TokenLogprobs& score = prompt_scores_.emplace_back(Logprobs(logits, prepared_.request.top_logprobs).of(token, logit, vocabulary_));
  score.sampled.bytes = vocabulary_.piece(token, false);  // as in the text
  if (!scores_prompt()) echo();
}

void Generation::echo() {
  if (!prepared_.request.echo_prompt || (prepared_.prompt->text.empty() && !echoes_scores_)) return;
  Delta echo;
  echo.text = replace_invalid_utf8(prepared_.prompt->text);
  echo.logprobs = std::exchange(prompt_scores_, {});
  echoes_scores_ = false;
  emit(std::move(echo));
}

void Generation::begin(SteadyTime now) {
  if (began_) return;
  began_ = now;
  timings_.queue_us = microseconds(prepared_.arrived, now);
}

void Generation::end_after_prompt(SteadyTime now) {
  timings_.prefill_us = microseconds(*began_, now);
  end(StopReason::kMaxTokens);
}

bool Generation::advance(std::span<float> logits, SteadyTime now, std::span<const Token> guessed) {
  std::vector<float> original;
  const std::int32_t alternatives = prepared_.request.top_logprobs;
  if (alternatives >= 0) original.assign(logits.begin(), logits.end());
  const std::optional<Token> token = choose(logits);
  if (!token) {
    fail({ErrorCode::kInvalidArgument, "the model's output allows no token", "lift the request's biases, or check the model file", {}});
    return true;
  }
  if (!first_token_) {
    first_token_ = now;
    timings_.prefill_us = std::max<std::int64_t>(1, microseconds(*began_, now));
  }
  timings_.decode_us = microseconds(*first_token_, now);
  count_guesses(guessed, *token);
  if (alternatives >= 0 && !vocabulary_.ends_generation(*token)) {
    const float logit = original[static_cast<std::size_t>(*token)];
    unsent_logprobs_.push_back(Logprobs(original, alternatives).of(*token, logit, vocabulary_));
  }
  return accept(*token);
}

void Generation::count_guesses(std::span<const Token> guessed, Token token) {
  guessed_ahead_ = static_cast<std::int64_t>(guessed.size());
  if (guessed.empty()) return;
  if (guessed.front() == token) {
    ++usage_.accepted_prediction_tokens;
    --guessed_ahead_;
  } else {
    usage_.rejected_prediction_tokens += std::exchange(guessed_ahead_, 0);
  }
}

std::optional<Token> Generation::choose(std::span<float> logits) {
  if (!reading_ || !reading_->constraint || !reading_->constraint->active()) return sampler_.sample(logits);
  if (must_close()) {
    if (const auto token = reading_->constraint->closing_token()) {
      sampler_.accept(*token);
      return token;
    }
  }
  return sampler_.sample(logits, &*reading_->constraint);
}

std::int64_t Generation::tokens_left() const {
  const auto room = static_cast<std::int64_t>(sequence_tokens_ - std::min(sequence_tokens_, tokens_.size()));
  const std::int64_t wanted = prepared_.request.max_tokens.value_or(room + usage_.completion_tokens) - usage_.completion_tokens;
  return std::min(room, wanted);
}

// True once the tokens that are left are needed to bring a structured answer to its end: cut off, it would be
// of no use. The estimate is made ever more often as the limit comes near.
bool Generation::must_close() {
  Closing& closing = reading_->closing;
  if (closing.now) return true;
  const std::int64_t left = tokens_left();
  if (left > closing.look_at) return false;
  const std::int64_t room = left + usage_.completion_tokens;
  const std::int64_t needed = reading_->constraint->closing_tokens(room + 1);
  // A limit that has no room for any whole answer just cuts.
  const bool fits = needed <= room;
  closing.now = needed > 0 && left <= needed && fits;
  closing.look_at = left - std::max<std::int64_t>(1, (fits ? left - needed : left) / 4);
  return closing.now;
}

// Why an answer ends that the model has ended.
StopReason Generation::natural_end() const {
  if (!reading_) return StopReason::kEndOfTurn;
  if (reading_->closing.now) {
    return usage_.completion_tokens + tokens_left() == prepared_.request.max_tokens ? StopReason::kMaxTokens : StopReason::kContextFull;
  }
  return reading_->whole_calls > 0 ? StopReason::kToolCalls : StopReason::kEndOfTurn;
}

void Generation::read(Token token) {
  using Phase = AnswerReader::Phase;
  AnswerReader& reader = reading_->reader;
  const bool mark = std::ranges::contains(reading_->plan->marks, token);
  if (reading_->constraint) reading_->constraint->accept(token);
  const Phase before = reader.phase();
  const std::vector<AnswerPiece> pieces = reader.push(vocabulary_.piece(token, mark));
  if (before == Phase::kReasoning || reader.phase() == Phase::kReasoning) ++usage_.reasoning_tokens;
  if (reading_->constraint) reading_->constraint->follow_reader();
  send_pieces(pieces);
}

void Generation::send_pieces(const std::vector<AnswerPiece>& pieces) {
  using Kind = AnswerPiece::Kind;
  for (const AnswerPiece& piece : pieces) {
    if (text_.stopped_by()) return;
    switch (piece.kind) {
      case Kind::kText:
        send_text(text_.push(piece.bytes));
        break;
      case Kind::kReasoning:
        send_text({}, reading_->reasoning.push(piece.bytes));
        break;
      case Kind::kCallName:
        send_text(text_.finish());
        send_arguments(reading_->arguments.finish());
        emit(ToolCallDelta{reading_->calls++, random_id("call_", 24), replace_invalid_utf8(piece.bytes), {}});
        break;
      case Kind::kCallArguments:
        send_arguments(reading_->arguments.push(piece.bytes));
        break;
      case Kind::kCallEnd:
        ++reading_->whole_calls;
        break;
    }
  }
}

void Generation::send_arguments(std::string text) {
  if (!text.empty()) emit(ToolCallDelta{reading_->calls - 1, {}, {}, std::move(text)});
}

bool Generation::accept(Token token) {
  if (vocabulary_.ends_generation(token)) {
    end(natural_end());
    return true;
  }
  tokens_.push_back(token);
  ++usage_.completion_tokens;
  ++unsent_tokens_;
  if (reading_) {
    read(token);
  } else {
    send_text(text_.push(vocabulary_.piece(token, false)));
  }
  if (const auto stop = text_.stopped_by()) {
    const auto& stops = prepared_.request.stop;
    if (*stop < stops.size()) {
      end(StopReason::kStopSequence, stops[*stop]);
    } else {
      end(natural_end());
    }
  } else if (usage_.completion_tokens == prepared_.request.max_tokens) {
    end(StopReason::kMaxTokens);
  } else if (tokens_.size() >= sequence_tokens_) {
    end(StopReason::kContextFull);
  } else {
    return false;
  }
  return true;
}

void Generation::end_for_lack_of_room() { end(StopReason::kContextFull); }

void Generation::end(StopReason reason, std::string stop_sequence) {
  if (reading_ && !text_.stopped_by()) {
    send_pieces(reading_->reader.finish());
    send_text({}, reading_->reasoning.finish());
    send_arguments(reading_->arguments.finish());
  }
  send_text(text_.finish());
  usage_.rejected_prediction_tokens += std::exchange(guessed_ahead_, 0);
  emit(Finished{reason, std::move(stop_sequence), usage_, timings_});
}

// A token without text of its own (a part of a character, or held back) counts with the next text.
void Generation::send_text(std::string text, std::string reasoning) {
  if (text.empty() && reasoning.empty()) return;
  Delta delta;
  delta.text = std::move(text);
  delta.reasoning = std::move(reasoning);
  delta.tokens = std::exchange(unsent_tokens_, 0);
  delta.logprobs = std::exchange(unsent_logprobs_, {});
  emit(std::move(delta));
}

void Generation::fail(Error error) { emit(Failed{std::move(error)}); }

void Generation::emit(GenerationEvent event) {
  if (!cancelled()) sink_(prepared_.stream, std::move(event));
}

}  // namespace pensieve::engine
