#include "engine/request_check.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace pensieve::engine {
namespace {

constexpr std::size_t kMostStops = 64;
constexpr std::size_t kMostImages = 100;
constexpr std::size_t kLongestStop = 1024;  // bytes
constexpr std::int32_t kMostAlternatives = 256;
constexpr std::int32_t kLongestPenaltyWindow = 1 << 20;

std::unexpected<Error> invalid(std::string_view param, std::string_view rule) {
  return fail(ErrorCode::kInvalidArgument, std::format("{} {}", param, rule), {}, std::string(param));
}

bool is_token(std::int32_t token, std::size_t vocabulary_size) { return token >= 0 && static_cast<std::size_t>(token) < vocabulary_size; }

bool within(float value, float low, float high) { return value >= low && value <= high; }

Result<void> check_sampling(const Sampling& sampling, std::size_t vocabulary_size) {
  if (!std::isfinite(sampling.temperature) || sampling.temperature < 0) {
    return invalid("temperature", "must not be negative");
  }
  if (!within(sampling.top_p, 0, 1)) return invalid("top_p", "must be between 0 and 1");
  if (!within(sampling.min_p, 0, 1)) return invalid("min_p", "must be between 0 and 1");
  if (!std::isfinite(sampling.repetition_penalty) || sampling.repetition_penalty <= 0) {
    return invalid("repetition_penalty", "must be above 0");
  }
  if (!std::isfinite(sampling.frequency_penalty)) {
    return invalid("frequency_penalty", "must be a number");
  }
  if (!std::isfinite(sampling.presence_penalty)) {
    return invalid("presence_penalty", "must be a number");
  }
  if (sampling.penalty_last_n > kLongestPenaltyWindow) {
    return invalid("penalty_last_n", std::format("must be at most {}", kLongestPenaltyWindow));
  }
  for (const auto& [token, bias] : sampling.logit_bias) {
    if (!is_token(token, vocabulary_size)) {
      return invalid("logit_bias", std::format("names token {}, which this model does not have "
                                               "(its vocabulary has {})",
                                               token, vocabulary_size));
    }
    if (std::isnan(bias)) return invalid("logit_bias", "must be a number");
  }
  return {};
}

Result<void> check_prompt(const GenerationRequest& request, std::size_t vocabulary_size) {
  if (request.prompt_kind == PromptKind::kTokens) {
    for (const std::int32_t token : request.prompt_tokens) {
      if (is_token(token, vocabulary_size)) continue;
      return invalid("prompt", std::format("has token {}, which this model does not have", token));
    }
  }
  if (request.prompt_kind != PromptKind::kMessages) return {};
  if (request.messages.empty()) return invalid("messages", "must not be empty");
  if (request.continue_last_message && request.messages.back().role != Role::kAssistant) {
    return invalid("messages", "must end with the assistant's to be continued");
  }
  return {};
}

Result<void> check_images(const GenerationRequest& request, bool reads_images) {
  std::size_t count = 0;
  for (const Message& message : request.messages) {
    count += message.images.size();
    if (!message.images.empty() && !reads_images) {
      const std::string& field = message.images.front().field;
      return fail(ErrorCode::kUnsupported, "this model can't see images: it has no projector (mmproj file) that can be used",
                  "send text only, or choose a model with vision", field.empty() ? "messages" : field);
    }
  }
  if (count > kMostImages) return invalid("messages", std::format("must have at most {} images", kMostImages));
  return {};
}

}  // namespace

Result<void> check_request(const GenerationRequest& request, std::size_t vocabulary_size, bool reads_images) {
  TRY_VOID(check_prompt(request, vocabulary_size));
  TRY_VOID(check_images(request, reads_images));
  TRY_VOID(check_sampling(request.sampling, vocabulary_size));
  if (request.max_tokens.value_or(0) < 0) return invalid("max_tokens", "must not be negative");
  if (request.top_logprobs > kMostAlternatives) {
    return invalid("top_logprobs", std::format("must be at most {}", kMostAlternatives));
  }
  if (request.stop.size() > kMostStops) {
    return invalid("stop", std::format("must have at most {} strings", kMostStops));
  }
  for (const std::string& stop : request.stop) {
    if (stop.size() > kLongestStop) {
      return invalid("stop", std::format("strings must have at most {} bytes", kLongestStop));
    }
  }
  return {};
}

}  // namespace pensieve::engine
