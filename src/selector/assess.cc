#include "selector/assess.h"

#include <algorithm>
#include <cmath>

namespace pensieve::selector {
namespace {

// A client's small call and a goodbye: below what any task scores.
constexpr double kTrivialScore = 0.02;
constexpr std::array<double, 2> kTrivialLogits = {-4, -8};
// A follow-up is about as hard as the task it continues (in log odds).
constexpr double kFollowUpDiscount = 0.4;
// An agent whose tools keep failing has a harder task than its words tell.
constexpr int kManyFailures = 3;
constexpr double kFailureIncrease = 0.7;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

Domain domain_of(const TextEstimate& estimate, const GenerationRequest& request, const TaskText& task) {
  const auto best = std::ranges::max_element(estimate.domain);
  const auto words = static_cast<Domain>(best - estimate.domain.begin());
  if (task.coding_agent) return Domain::kCode;
  if (!request.tools.empty() && request.tool_choice != ToolChoice::kNone && words != Domain::kCode) return Domain::kAgentic;
  return words;
}

Assessment trivial(const TaskText& task, const GenerationRequest& request) {
  Assessment result{.score = kTrivialScore,
                    .task_class = TaskClass::kSimple,
                    .difficulty = kTrivialScore,
                    .class_logits = kTrivialLogits,
                    .turn = task.turn};
  result.domain = task.turn == TaskTurn::kSideCall ? Domain::kExtraction : Domain::kChat;
  result.needs = needs_of(request, result.task_class);
  return result;
}

}  // namespace

TaskClass class_of(const std::array<double, 2>& class_logits) {
  if (class_logits[0] <= 0) return TaskClass::kSimple;
  return class_logits[1] > 0 ? TaskClass::kComplex : TaskClass::kMedium;
}

double difficulty_of(const std::array<double, 2>& class_logits) { return (sigmoid(class_logits[0]) + sigmoid(class_logits[1])) / 2; }

std::string_view to_string(TaskClass task_class) {
  switch (task_class) {
    case TaskClass::kSimple:
      return "simple";
    case TaskClass::kMedium:
      return "medium";
    case TaskClass::kComplex:
      return "complex";
  }
  return "medium";
}

std::string_view to_string(Domain domain) {
  switch (domain) {
    case Domain::kCode:
      return "code";
    case Domain::kMath:
      return "math";
    case Domain::kReasoning:
      return "reasoning";
    case Domain::kKnowledge:
      return "knowledge";
    case Domain::kWriting:
      return "writing";
    case Domain::kExtraction:
      return "extraction";
    case Domain::kChat:
      return "chat";
    case Domain::kAgentic:
      return "agentic";
    case Domain::kCount:
      break;
  }
  return "chat";
}

std::string_view to_string(TaskTurn turn) {
  switch (turn) {
    case TaskTurn::kNewTask:
      return "new_task";
    case TaskTurn::kFollowUp:
      return "follow_up";
    case TaskTurn::kToolTurn:
      return "tool_turn";
    case TaskTurn::kSideCall:
      return "side_call";
    case TaskTurn::kClosing:
      return "closing";
  }
  return "new_task";
}

Assessor::Judged Assessor::judge(std::string_view text) {
  const Features& features = extractor_.extract(text);
  Judged judged{.estimate = weights_->estimate(features)};
  if (!extractor_.scan().words.empty()) {
    const WordGroup first = extractor_.scan().words.front().group;
    const bool asks = first >= WordGroup::kWho && first <= WordGroup::kWhich;
    judged.question = asks || (first == WordGroup::kYesNo && text.ends_with('?'));
  }
  return judged;
}

TextEstimate Assessor::judge_task(const TaskText& task) {
  const Judged current = judge(task.current);
  // A question stands on its own, whatever was done before.
  if (task.anchor.empty() || current.question) return current.estimate;
  TextEstimate joined = judge(task.anchor).estimate;
  joined.medium_logit = std::max(current.estimate.medium_logit, joined.medium_logit - kFollowUpDiscount);
  joined.complex_logit = std::max(current.estimate.complex_logit, joined.complex_logit - kFollowUpDiscount);
  joined.gain = std::max(current.estimate.gain, joined.gain);
  joined.topic_gain = std::max(current.estimate.topic_gain, joined.topic_gain);
  return joined;
}

Assessment Assessor::assess(const GenerationRequest& request) {
  const TaskText task = find_task(request);
  if (task.turn == TaskTurn::kSideCall || task.turn == TaskTurn::kClosing) return trivial(task, request);
  TextEstimate estimate = judge_task(task);
  if (task.failed_tools >= kManyFailures) {
    estimate.medium_logit += kFailureIncrease;
    estimate.complex_logit += kFailureIncrease;
  }
  Assessment result;
  result.turn = task.turn;
  result.score = weights_->score(estimate);
  result.class_logits = {estimate.medium_logit, estimate.complex_logit};
  result.task_class = class_of(result.class_logits);
  result.difficulty = difficulty_of(result.class_logits);
  result.domain = domain_of(estimate, request, task);
  result.needs = needs_of(request, result.task_class);
  return result;
}

}  // namespace pensieve::selector
