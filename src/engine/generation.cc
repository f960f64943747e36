#include "engine/generation.h"

#include <utility>

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
      sampler_(prepared_.request.sampling, tokens_, seed),
      text_(all_stops(prepared_)) {
  usage_.prompt_tokens = static_cast<std::int64_t>(tokens_.size());
}

void Generation::admit(std::size_t cached_tokens) {
  if (std::exchange(admitted_, true)) return;
  usage_.cached_prompt_tokens = static_cast<std::int64_t>(cached_tokens);
  emit(Started{usage_});
  if (prepared_.request.echo_prompt && !prepared_.prompt->text.empty()) {
    Delta echo;
    echo.text = replace_invalid_utf8(prepared_.prompt->text);
    emit(std::move(echo));
  }
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

bool Generation::advance(std::span<float> logits, SteadyTime now) {
  std::vector<float> original;
  const std::int32_t alternatives = prepared_.request.top_logprobs;
  if (alternatives >= 0) original.assign(logits.begin(), logits.end());
  const std::optional<Token> token = sampler_.sample(logits);
  if (!token) {
    fail({ErrorCode::kInvalidArgument, "the model's output allows no token", "lift the request's biases, or check the model file", {}});
    return true;
  }
  if (!first_token_) {
    first_token_ = now;
    timings_.prefill_us = microseconds(*began_, now);
  }
  timings_.decode_us = microseconds(*first_token_, now);
  if (alternatives >= 0 && !vocabulary_.ends_generation(*token)) {
    const float logit = original[static_cast<std::size_t>(*token)];
    unsent_logprobs_.push_back(Logprobs(original, alternatives).of(*token, logit, vocabulary_));
  }
  return accept(*token);
}

bool Generation::accept(Token token) {
  if (vocabulary_.ends_generation(token)) {
    end(StopReason::kEndOfTurn);
    return true;
  }
  tokens_.push_back(token);
  ++usage_.completion_tokens;
  ++unsent_tokens_;
  send_text(text_.push(vocabulary_.piece(token, false)));
  if (const auto stop = text_.stopped_by()) {
    const auto& stops = prepared_.request.stop;
    if (*stop < stops.size()) {
      end(StopReason::kStopSequence, stops[*stop]);
    } else {
      end(StopReason::kEndOfTurn);
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
  send_text(text_.finish());
  emit(Finished{reason, std::move(stop_sequence), usage_, timings_});
}

// A token without text of its own (a part of a character, or held back) counts with the next text.
void Generation::send_text(std::string text) {
  if (text.empty()) return;
  Delta delta;
  delta.text = std::move(text);
  delta.tokens = std::exchange(unsent_tokens_, 0);
  delta.logprobs = std::exchange(unsent_logprobs_, {});
  emit(std::move(delta));
}

void Generation::fail(Error error) { emit(Failed{std::move(error)}); }

void Generation::emit(GenerationEvent event) {
  if (!cancelled()) sink_(prepared_.stream, std::move(event));
}

}  // namespace pensieve::engine
