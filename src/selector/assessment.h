// What a request asks of a model, judged from the request alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "generation/request.h"

namespace pensieve::selector {

enum class TaskClass : std::uint8_t { kSimple, kMedium, kComplex };
std::string_view to_string(TaskClass task_class);  // "simple"

enum class Domain : std::uint8_t { kCode, kMath, kReasoning, kKnowledge, kWriting, kExtraction, kChat, kAgentic, kCount };
inline constexpr std::size_t kDomainCount = static_cast<std::size_t>(Domain::kCount);
std::string_view to_string(Domain domain);  // "code"

// Which turn of the conversation was judged.
enum class TaskTurn : std::uint8_t {
  kNewTask,   // the last user message stands on its own
  kFollowUp,  // it continues an earlier task ("now the other file"), which is judged too
  kToolTurn,  // the model goes on with a task after a tool's result
  kSideCall,  // a client's own small call: a title, a topic check, a summary line
  kClosing,   // thanks and goodbyes
};
std::string_view to_string(TaskTurn turn);  // "new_task"

// What a model must be able to do to serve the request at all.
struct Needs {
  bool tools = false;
  bool images = false;
  bool json = false;               // output constrained to JSON or a grammar
  std::int64_t prompt_tokens = 0;  // estimate, without any tokenizer
  std::int64_t answer_tokens = 0;  // estimate, at most the request's max_tokens
  bool operator==(const Needs&) const = default;
};

struct Assessment {
  double score = 0;  // 0..1: how much a larger model is worth here
  TaskClass task_class = TaskClass::kMedium;
  double difficulty = 0;  // 0..1: mean of P(at least medium) and P(complex)
  // Log odds of "at least medium" and of "complex": how near the class is to another one.
  std::array<double, 2> class_logits = {0, 0};
  Domain domain = Domain::kChat;
  TaskTurn turn = TaskTurn::kNewTask;
  Needs needs;
  bool operator==(const Assessment&) const = default;
};

// The class of these log odds, and the difficulty of those.
TaskClass class_of(const std::array<double, 2>& class_logits);
double difficulty_of(const std::array<double, 2>& class_logits);

}  // namespace pensieve::selector
