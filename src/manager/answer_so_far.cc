#include "manager/answer_so_far.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace pensieve {

namespace {

// Pieces of a call don't tell their tokens, and several may come as one. JSON has some four bytes a token.
std::int64_t about_tokens(std::string_view arguments) { return (std::ssize(arguments) + 3) / 4; }

// Of text that begins a JSON object.
bool is_whole_object(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

AnswerSoFar::AnswerSoFar(GenerationRequest request, bool may_move) : request_(std::move(request)), may_move_(may_move) {}

// With log probabilities an echo costs a pass over the prompt's, so it is not asked for then.
bool AnswerSoFar::asks_for_prompt_text() const {
  return request_.prompt_kind == PromptKind::kTokens && !request_.echo_prompt && request_.top_logprobs < 0;
}

GenerationRequest AnswerSoFar::first_request() const {
  GenerationRequest request = request_;
  if (asks_for_prompt_text()) request.echo_prompt = true;
  return request;
}

void AnswerSoFar::pass(GenerationEvent event, std::deque<GenerationEvent>& out) {
  if (const auto* started = std::get_if<Started>(&event)) return pass_started(*started, out);
  if (auto* delta = std::get_if<Delta>(&event)) return pass_delta(std::move(*delta), out);
  if (auto* call = std::get_if<ToolCallDelta>(&event)) return pass_call(std::move(*call), out);
  if (auto* finished = std::get_if<Finished>(&event)) return pass_finished(std::move(*finished), out);
  out.push_back(std::move(event));
}

void AnswerSoFar::pass_started(const Started& started, std::deque<GenerationEvent>& out) {
  if (std::exchange(started_, true)) return;
  usage_ = started.usage;
  out.emplace_back(started);
}

// The prompt's own text comes first and stands for no sampled token.
void AnswerSoFar::pass_delta(Delta delta, std::deque<GenerationEvent>& out) {
  const bool echo = !begun() && delta.tokens == 0 && (request_.echo_prompt || asks_for_prompt_text());
  if (echo) {
    prompt_text_ += delta.text;
    if (request_.echo_prompt) out.emplace_back(std::move(delta));
    return;
  }
  close_call();
  release_call(out);
  text_ += delta.text;
  reasoning_ += delta.reasoning;
  tokens_ += delta.tokens;
  out.emplace_back(std::move(delta));
}

void AnswerSoFar::pass_call(ToolCallDelta piece, std::deque<GenerationEvent>& out) {
  if (!may_move_) {
    out.emplace_back(std::move(piece));
    whole_calls_ = true;
    return;
  }
  if (piece.index == 0) {
    tokens_ += about_tokens(piece.arguments_delta);
    if (!open_) {
      open_ = piece;
    } else {
      open_->arguments_delta += piece.arguments_delta;
    }
    out.emplace_back(std::move(piece));
    return;
  }
  close_call();
  if (held_ && held_->index != piece.index) release_call(out);
  if (!held_) {
    held_ = std::move(piece);
    return;
  }
  held_->id += piece.id;
  held_->name += piece.name;
  held_->arguments_delta += piece.arguments_delta;
}

void AnswerSoFar::close_call() {
  if (open_) whole_calls_ = true;
  open_.reset();
}

void AnswerSoFar::release_call(std::deque<GenerationEvent>& out) {
  if (!held_) return;
  out.emplace_back(*std::exchange(held_, std::nullopt));
  whole_calls_ = true;
}

// The client asked once, so it is told of one prompt and of all tokens of the answer. How long the lost
// workers took is not known; the pace of the last one is taken for theirs.
void AnswerSoFar::pass_finished(Finished finished, std::deque<GenerationEvent>& out) {
  close_call();
  release_call(out);
  if (earlier_ > 0) {
    finished.usage.prompt_tokens = usage_.prompt_tokens;
    finished.usage.cached_prompt_tokens = usage_.cached_prompt_tokens;
    const std::int64_t own = finished.usage.completion_tokens;
    finished.usage.completion_tokens += earlier_;
    if (own > 0) finished.timings.decode_us = finished.timings.decode_us / own * finished.usage.completion_tokens;
  }
  out.emplace_back(std::move(finished));
}

std::optional<Finished> AnswerSoFar::interrupt() {
  held_.reset();
  if (open_ && is_whole_object(open_->arguments_delta)) close_call();
  earlier_ = tokens_;
  Usage usage = usage_;
  usage.completion_tokens = tokens_;
  // A call that came in pieces may be cut.
  if (whole_calls_ && may_move_) return Finished{.reason = StopReason::kToolCalls, .stop_sequence = {}, .usage = usage, .timings = {}};
  if (request_.max_tokens && tokens_ >= *request_.max_tokens && tokens_ > 0) {
    return Finished{.reason = StopReason::kMaxTokens, .stop_sequence = {}, .usage = usage, .timings = {}};
  }
  return std::nullopt;
}

bool AnswerSoFar::has_images() const {
  return std::ranges::any_of(request_.messages, [](const Message& message) { return !message.images.empty(); });
}

std::optional<GenerationRequest> AnswerSoFar::continuation() const {
  if (!begun()) {
    GenerationRequest request = first_request();
    if (!prompt_text_.empty()) request.echo_prompt = false;  // the client or we have it
    return request;
  }
  GenerationRequest request = request_;
  switch (request.prompt_kind) {
    case PromptKind::kMessages:
      if (!request.continue_last_message || request.messages.empty()) {
        request.messages.push_back({.role = Role::kAssistant});
        request.continue_last_message = true;
      }
      request.messages.back().text += text_;
      request.messages.back().reasoning += reasoning_;
      if (open_) request.messages.back().tool_calls = {{open_->id, open_->name, open_->arguments_delta}};
      break;
    case PromptKind::kTokens:
      if (prompt_text_.empty()) return std::nullopt;
      request.prompt = prompt_text_ + text_;
      request.prompt_tokens.clear();
      request.prompt_kind = PromptKind::kText;
      break;
    case PromptKind::kText:
      request.prompt += text_;
      break;
  }
  request.echo_prompt = false;
  request.begun_answer = text_;
  if (request.max_tokens) request.max_tokens = *request.max_tokens - tokens_;
  // The same numbers would be drawn again as for the answer's beginning.
  if (request.sampling.seed) *request.sampling.seed += static_cast<std::uint32_t>(tokens_);
  return request;
}

}  // namespace pensieve
