#include "selector/assess.h"

#include <gtest/gtest.h>

#include <cctype>
#include <format>
#include <fstream>
#include <string>
#include <vector>

namespace pensieve::selector {
namespace {

struct Ordinary {
  TaskClass task_class = TaskClass::kSimple;
  std::string text;
};

// tests/routing/ordinary_validation.txt; the working folder is the repository.
std::vector<Ordinary> ordinary_requests() {
  std::vector<Ordinary> result;
  std::ifstream file("tests/routing/ordinary_validation.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.size() < 4 || line[1] != '|') continue;
    std::string text = line.substr(line.find('|', 2) + 1);
    for (std::size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at)) text.replace(at, 2, "\n");
    result.push_back({line[0] == 'S' ? TaskClass::kSimple : line[0] == 'M' ? TaskClass::kMedium : TaskClass::kComplex, text});
  }
  return result;
}

Assessment assess(const std::string& text) {
  static Assessor assessor(RoutingWeights::embedded());
  GenerationRequest request;
  request.messages.push_back({.role = Role::kUser, .text = text});
  return assessor.assess(request);
}

TEST(Assess, OrdinaryRequestsGetTheirClass) {
  const std::vector<Ordinary> requests = ordinary_requests();
  ASSERT_GE(requests.size(), 100U);
  int right = 0;
  std::string wrong;
  for (const Ordinary& request : requests) {
    const Assessment assessment = assess(request.text);
    if (assessment.task_class == request.task_class)
      ++right;
    else
      wrong += std::format("{} for {}: {}\n", to_string(assessment.task_class), to_string(request.task_class), request.text.substr(0, 70));
    EXPECT_FALSE(request.task_class == TaskClass::kSimple && assessment.task_class == TaskClass::kComplex) << request.text;
  }
  EXPECT_GE(right, static_cast<int>(requests.size() * 82 / 100)) << wrong;
}

TEST(Assess, TheScoreRisesFromSimpleToComplex) {
  std::vector<double> sum(3);
  std::vector<int> count(3);
  for (const Ordinary& request : ordinary_requests()) {
    sum[static_cast<std::size_t>(request.task_class)] += assess(request.text).score;
    ++count[static_cast<std::size_t>(request.task_class)];
  }
  EXPECT_LT(sum[0] / count[0] + 0.15, sum[1] / count[1]);
  EXPECT_LT(sum[1] / count[1] + 0.15, sum[2] / count[2]);
}

TEST(Assess, HarmlessEditsSeldomChangeTheClass) {
  int edits = 0;
  int flips = 0;
  for (const Ordinary& request : ordinary_requests()) {
    const TaskClass before = assess(request.text).task_class;
    std::string upper = request.text;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    std::string wide;
    for (const char c : request.text) wide += c == ' ' ? "  " : std::string(1, c);
    for (const std::string& edited :
         {upper, wide, "Hi! " + request.text, request.text + " Thanks!", request.text + "!!", "  " + request.text + "\n"}) {
      ++edits;
      flips += assess(edited).task_class != before ? 1 : 0;
    }
  }
  EXPECT_LE(flips * 100, edits * 3) << flips << " of " << edits;
}

TEST(Assess, RecognisesCodeAndMath) {
  EXPECT_EQ(assess("Write a Python function that merges two sorted lists.").domain, Domain::kCode);
  EXPECT_EQ(assess("Prove that the sum of two odd integers is even.").domain, Domain::kMath);
}

TEST(Assess, AGrownConversationIsJudgedByItsTask) {
  const std::string task =
      "Design a distributed cache with strong consistency across three regions, prove its linearizability and discuss failure modes.";
  Assessor assessor(RoutingWeights::embedded());
  GenerationRequest request;
  request.messages = {{.role = Role::kUser, .text = task},
                      {.role = Role::kAssistant, .text = "..."},
                      {.role = Role::kUser, .text = "now do the same for the queue"}};
  EXPECT_EQ(assessor.assess(request).task_class, TaskClass::kComplex);
  request.messages.back().text = "thanks, that's all";
  EXPECT_EQ(assessor.assess(request).task_class, TaskClass::kSimple);
}

TEST(Assess, CountsWhatARequestNeeds) {
  GenerationRequest request;
  request.messages = {{.role = Role::kUser, .text = std::string(3000, 'x'), .images = {{}}}};
  request.tools = {{.name = "f", .description = "", .parameters_schema = "{}"}};
  request.max_tokens = 50;
  const Needs needs = needs_of(request, TaskClass::kComplex);
  EXPECT_TRUE(needs.tools);
  EXPECT_TRUE(needs.images);
  EXPECT_FALSE(needs.json);
  EXPECT_NEAR(static_cast<double>(needs.prompt_tokens), 1607, 10);
  EXPECT_EQ(needs.answer_tokens, 50);
  request.tool_choice = ToolChoice::kNone;
  EXPECT_FALSE(needs_of(request, TaskClass::kSimple).tools);
}

TEST(Assess, HostileRequestsGetAnAssessment) {
  Assessor assessor(RoutingWeights::embedded());
  for (const std::string& text :
       {std::string(1 << 20, 'a'), std::string(1 << 20, '<'), std::string(1 << 20, '\0'), std::string(1 << 20, '\xE6'), std::string()}) {
    GenerationRequest request;
    request.messages.push_back({.role = Role::kUser, .text = text});
    const Assessment assessment = assessor.assess(request);
    EXPECT_GE(assessment.score, 0);
    EXPECT_LE(assessment.score, 1);
  }
  GenerationRequest many;
  many.messages.assign(10000, {.role = Role::kUser, .text = "hello"});
  EXPECT_LE(assessor.assess(many).score, 1);
}

}  // namespace
}  // namespace pensieve::selector
