#include <algorithm>
#include <format>
#include <iterator>
#include <optional>

#include "selector/decision.h"

namespace pensieve::selector {
namespace {

// True if every candidate that was asked for is excluded for `verdict`.
bool all_are(const Decision& decision, Verdict verdict) {
  return std::ranges::all_of(decision.candidates,
                             [&](const CandidateDecision& c) { return c.verdict == verdict || c.verdict == Verdict::kNotAsked; });
}

// The way out of too little memory: a smaller quantization where one is installed, else what is missing.
std::string memory_advice(const Decision& decision, const FleetSnapshot& fleet) {
  const FleetModel* smallest = nullptr;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    if (decision.candidates[i].verdict != Verdict::kDoesNotFit) continue;
    const FleetModel& model = fleet.models[i];
    if (!model.next_smaller.empty()) return std::format("use {}, which is smaller, or close other programs", model.next_smaller);
    if (smallest == nullptr || model.footprint < smallest->footprint) smallest = &model;
  }
  if (smallest == nullptr) return "try again in a moment";
  return std::format("{} needs the least, {}; close other programs, or pull a smaller model or quantization", smallest->id,
                     to_text(smallest->footprint));
}

// The refusal of a model that the request names; empty: it names none.
std::optional<Error> named_error(const Decision& decision, const FleetSnapshot& fleet) {
  const auto named = std::ranges::find_if(decision.candidates, [](const CandidateDecision& c) { return c.verdict != Verdict::kNotAsked; });
  if (named == decision.candidates.end() || decision.candidates.size() < 2) return std::nullopt;
  if (std::ranges::count(decision.candidates, Verdict::kNotAsked, &CandidateDecision::verdict) + 1 != std::ssize(decision.candidates))
    return std::nullopt;
  const bool memory = named->verdict == Verdict::kDoesNotFit;
  std::string advice;
  if (!decision.others.empty()) advice = std::format("use '{}', which could answer, or 'auto'", decision.others.front());
  if (memory) advice += (advice.empty() ? "" : "; ") + memory_advice(decision, fleet);
  const auto context = named->verdict == Verdict::kContextTooLong ? ErrorCode::kContextOverflow : ErrorCode::kUnsupported;
  return Error{memory ? ErrorCode::kUnavailable : context, std::format("model '{}': {}", named->model, named->reason), std::move(advice),
               "model"};
}

}  // namespace

Error no_model_error(const Decision& decision, const FleetSnapshot& fleet) {
  if (decision.candidates.empty()) return {ErrorCode::kUnavailable, "no model is installed", "pull one with `pensieve pull`", ""};
  if (const std::optional<Error> error = named_error(decision, fleet)) return *error;
  if (all_are(decision, Verdict::kContextTooLong)) {
    std::int64_t largest = 0;
    for (const FleetModel& model : fleet.models) largest = std::max(largest, model.context_tokens);
    return {ErrorCode::kContextOverflow,
            std::format("the prompt of about {} tokens is longer than any context ({} tokens)", decision.task.needs.prompt_tokens, largest),
            "shorten the conversation", "messages"};
  }
  if (all_are(decision, Verdict::kLacksImages))
    return {ErrorCode::kUnsupported, "no model here can see images: none has a projector (mmproj file) that can be used",
            "send text only, or put a model's projector into its folder", "messages"};
  if (all_are(decision, Verdict::kLacksTools))
    return {ErrorCode::kUnsupported, "no model here can call tools", "leave the tools out, or install a model that has them", "tools"};
  if (all_are(decision, Verdict::kLacksJson))
    return {ErrorCode::kUnsupported, "no model here can keep to a schema", "leave the format out", "response_format"};
  std::string message = "no model can answer now";
  for (const CandidateDecision& candidate : decision.candidates) {
    if (candidate.verdict != Verdict::kNotAsked) message += std::format("; {}: {}", candidate.model, candidate.reason);
    if (message.size() > 600) break;
  }
  return {ErrorCode::kUnavailable, std::move(message), memory_advice(decision, fleet), ""};
}

}  // namespace pensieve::selector
