#include "selector/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "selector/classic.h"
#include "selector/fake_fleet.h"

namespace pensieve::selector {
namespace {

using enum TaskClass;
using testing::HasSubstr;

constexpr auto kDocumentTable = std::to_array<std::tuple<const char*, TaskClass, Domain, Quality, Performance, std::size_t>>({
    {"simple, good, high -> Phi-3 Mini", kSimple, Domain::kCode, Quality::kGood, Performance::kHigh, kPhi},
    {"simple chat, good, high -> Phi-3 Mini", kSimple, Domain::kChat, Quality::kGood, Performance::kHigh, kPhi},
    {"medium, high, high -> DeepSeek-Coder", kMedium, Domain::kCode, Quality::kHigh, Performance::kHigh, kDeepSeek},
    {"complex, maximum, medium -> Mixtral", kComplex, Domain::kCode, Quality::kMaximum, Performance::kMedium, kMixtral},
    {"complex, maximum, medium -> Mixtral", kComplex, Domain::kReasoning, Quality::kMaximum, Performance::kMedium, kMixtral},
    {"general reasoning -> Mistral", kMedium, Domain::kReasoning, Quality::kHigh, Performance::kMedium, kMistral},
    {"general knowledge -> Mistral", kMedium, Domain::kKnowledge, Quality::kHigh, Performance::kMedium, kMistral},
    {"otherwise -> DeepSeek-Coder", kSimple, Domain::kCode, Quality::kHigh, Performance::kMedium, kDeepSeek},
    {"otherwise -> DeepSeek-Coder", kMedium, Domain::kCode, Quality::kHigh, Performance::kMedium, kDeepSeek},
    {"otherwise -> DeepSeek-Coder", kComplex, Domain::kCode, Quality::kHigh, Performance::kMedium, kDeepSeek},
    {"otherwise -> DeepSeek-Coder", kComplex, Domain::kCode, Quality::kHigh, Performance::kHigh, kDeepSeek},
});

TEST(Decision, GivesTheDocumentsTableWhereAllFourModelsFit) {
  const FleetSnapshot fleet = four_models_that_fit();
  for (const auto& [name, task_class, domain, quality, performance, model] : kDocumentTable) {
    const Decision decision = decide(fake_task(task_class, domain), {quality, performance}, fleet, {});
    EXPECT_EQ(decision.model(), fleet.models[model].id)
        << name << ", " << to_string(task_class) << " " << to_string(domain) << ": " << decision.reason;
  }
}

TEST(Decision, TheClassicPolicyIsTheTableItself) {
  const FleetSnapshot fleet = four_models_that_fit();
  for (const auto& [name, task_class, domain, quality, performance, model] : kDocumentTable) {
    const Decision decision = decide(fake_task(task_class, domain), {quality, performance}, fleet, {.routing = RoutingPolicy::kClassic});
    EXPECT_EQ(decision.model(), fleet.models[model].id) << name;
  }
}

TEST(Decision, TheClassicPolicyFallsBackToAModelThatFits) {
  const FleetSnapshot fleet = four_models_on_m1();
  const Decision decision =
      decide(fake_task(kComplex, Domain::kCode), {Quality::kMaximum, Performance::kMedium}, fleet, {.routing = RoutingPolicy::kClassic});
  EXPECT_EQ(decision.model(), fleet.models[kDeepSeek].id);
}

TEST(Decision, NeverPicksMixtralOnASmallMachineAndSaysWhy) {
  const FleetSnapshot fleet = four_models_on_m1();
  for (const TaskClass task_class : {kSimple, kMedium, kComplex}) {
    for (const Quality quality : {Quality::kGood, Quality::kHigh, Quality::kMaximum}) {
      for (const Performance performance : {Performance::kLow, Performance::kMedium, Performance::kHigh}) {
        const Decision decision = decide(fake_task(task_class, Domain::kReasoning), {quality, performance}, fleet, {});
        ASSERT_TRUE(decision.chosen);
        EXPECT_NE(*decision.chosen, kMixtral);
        EXPECT_EQ(decision.candidates[kMixtral].verdict, Verdict::kDoesNotFit);
        EXPECT_THAT(decision.candidates[kMixtral].reason, HasSubstr("needs 27.5 GB, 12.0 GB may be used"));
      }
    }
  }
}

// One row of the specification: a change to the machine or the request, and what follows.
struct Scenario {
  const char* name;
  std::function<void(FleetSnapshot&, Assessment&, Requirement&)> change;
  std::size_t model;        // chosen; kNobody: none
  const char* reason = "";  // part of the decision's reason or of a step
};
constexpr std::size_t kNobody = 99;

// Starts as: medium code task of 300 tokens, high quality, medium performance, on the M1 with
// DeepSeek-Coder in memory.
const std::vector<Scenario> kScenarios = {
    {"the resident model answers", [](auto&, auto&, auto&) {}, kDeepSeek, "deepseek-coder"},
    {"a conversation stays where its prefix is read, though another model is a little better",
     [](auto& fleet, auto& task, auto&) {
       task = fake_task(kMedium, Domain::kReasoning, 8000);
       fleet.models[kPhi].place = fleet.models[kMistral].place = ModelPlace::kReady;
       fleet.models[kPhi].load_time = fleet.models[kMistral].load_time = {};
       fleet.models[kPhi].warm_tokens = 7900;
     },
     kPhi, "sooner"},
    {"the same conversation goes to the better model where nothing is read yet",
     [](auto& fleet, auto& task, auto&) {
       task = fake_task(kMedium, Domain::kReasoning, 200);
       fleet.models[kMistral].place = ModelPlace::kReady;
       fleet.models[kMistral].load_time = {};
     },
     kMistral},
    {"leaving a warm prefix pays for maximum quality on a hard task",
     [](auto& fleet, auto& task, auto& requirement) {
       fleet = four_models_that_fit();
       task = fake_task(kComplex, Domain::kReasoning, 4000);
       fleet.models[kPhi].warm_tokens = 3900;
       requirement = {Quality::kMaximum, Performance::kLow};
     },
     kMixtral, "more likely to succeed"},
    {"a floor on speed excludes the best model",
     [](auto& fleet, auto& task, auto& requirement) {
       fleet = four_models_that_fit();
       task = fake_task(kComplex, Domain::kCode);
       requirement = {Quality::kMaximum, Performance::kMedium, {40}};
     },
     kDeepSeek},
    {"a budget for the first token excludes what has to be loaded",
     [](auto&, auto& task, auto& requirement) {
       task = fake_task(kMedium, Domain::kReasoning, 200);
       requirement.max_ttft = std::chrono::milliseconds(2000);
       requirement.quality = Quality::kMaximum;
     },
     kDeepSeek},
    {"no model keeps the floor: the fastest one answers, degraded",
     [](auto& fleet, auto&, auto& requirement) {
       for (FleetModel& model : fleet.models) model.load_time = {};
       requirement.min_speed = {100};
     },
     kPhi, "less than what was required"},
    {"under memory pressure nothing is loaded that a resident model can replace",
     [](auto& fleet, auto& task, auto&) {
       task = fake_task(kMedium, Domain::kReasoning, 300);
       fleet.models[kPhi].place = ModelPlace::kReady;
       fleet.models[kPhi].load_time = {};
       fleet.models[kMistral].load_time = std::chrono::milliseconds(12000);
       fleet.models[kMistral].evicts = {"deepseek-coder-6.7b-instruct-q4_k_m"};
       fleet.models[kMistral].evicted_reload = std::chrono::milliseconds(10000);
       fleet.machine.pressed = true;
     },
     kPhi},
    {"a model that is nearly loaded is worth waiting for",
     [](auto& fleet, auto& task, auto&) {
       task = fake_task(kMedium, Domain::kReasoning, 200);
       fleet.models[kMistral].place = ModelPlace::kLoading;
       fleet.models[kMistral].load_time = std::chrono::milliseconds(600);
     },
     kMistral, "wait for mistral"},
    {"a long queue sends the request elsewhere",
     [](auto& fleet, auto&, auto&) {
       fleet = four_models_that_fit();
       fleet.models[kDeepSeek].queue_time = std::chrono::seconds(60);
     },
     kMistral},
    {"a model that does not load is passed over",
     [](auto& fleet, auto&, auto&) {
       fleet.models[kDeepSeek].place = ModelPlace::kFailed;
       fleet.models[kDeepSeek].place_reason = "the file is damaged";
       fleet.models[kPhi].load_time = fleet.models[kMistral].load_time;
     },
     kPhi, "load phi-3"},
    {"nothing fits",
     [](auto& fleet, auto&, auto&) {
       for (FleetModel& model : fleet.models) model.memory = MemoryVerdict::kDoesNotFit;
     },
     kNobody, "no model can answer"},
    {"a pinned model stays: what only its memory would make room for does not fit",
     [](auto& fleet, auto& task, auto& requirement) {
       task = fake_task(kComplex, Domain::kReasoning);
       requirement.quality = Quality::kMaximum;
       fleet.models[kMistral].memory = MemoryVerdict::kDoesNotFit;
       fleet.models[kMistral].memory_reason = "needs 5.6 GB, 3.1 GB are left beside deepseek-coder-6.7b-instruct-q4_k_m, which is pinned";
       fleet.models[kPhi].memory = MemoryVerdict::kDoesNotFit;
     },
     kDeepSeek, "which is pinned"},
    {"where only models that did not load are left the better role is tried again",
     [](auto& fleet, auto&, auto&) {
       for (FleetModel& model : fleet.models) model.place = ModelPlace::kFailed;
       fleet.models[kPhi].place_reason = "the file is damaged";
     },
     kDeepSeek, "try again to load deepseek-coder"},
    {"the only model that could is tried again though it did not load",
     [](auto& fleet, auto& task, auto&) {
       task.needs.images = true;
       fleet.models[kPhi].accepts_images = true;
       fleet.models[kPhi].place = ModelPlace::kFailed;
     },
     kPhi, "try again to load phi-3"},
    {"a remote engine answers where nothing fits here",
     [](auto& fleet, auto&, auto&) {
       for (FleetModel& model : fleet.models) model.memory = MemoryVerdict::kDoesNotFit;
       fleet.models[kMixtral].place = ModelPlace::kRemote;
     },
     kMixtral, "on another server"},
    {"a remote engine with a long queue does not win",
     [](auto& fleet, auto&, auto&) {
       fleet.models[kMixtral].place = ModelPlace::kRemote;
       fleet.models[kMixtral].queue_time = std::chrono::minutes(3);
     },
     kDeepSeek},
    {"a schema goes to a model that can keep to one",
     [](auto& fleet, auto& task, auto&) {
       task.needs.json = true;
       for (FleetModel& model : fleet.models) model.accepts_json = model.id.starts_with("phi");
     },
     kPhi, "cannot keep to a schema"},
    {"no model is installed", [](auto& fleet, auto&, auto&) { fleet.models.clear(); }, kNobody, "no model is installed"},
    {"only a model that can call tools gets a request with tools",
     [](auto& fleet, auto& task, auto&) {
       task.needs.tools = true;
       for (FleetModel& model : fleet.models) model.accepts_tools = model.id.starts_with("mistral");
     },
     kMistral, "the only model that can answer"},
    {"only a model that sees gets a request with an image",
     [](auto& fleet, auto& task, auto&) {
       task.needs.images = true;
       fleet.models[kPhi].accepts_images = true;
     },
     kPhi},
    {"a prompt that is too long for one context goes to a longer one",
     [](auto& fleet, auto& task, auto&) {
       task.needs.prompt_tokens = 20000;
       fleet.models[kMistral].context_tokens = 32768;
     },
     kMistral},
    {"less context than planned is disclosed",
     [](auto& fleet, auto&, auto&) {
       fleet.models[kDeepSeek].memory = MemoryVerdict::kFitsWithLessContext;
       fleet.models[kDeepSeek].context_tokens = 2048;
     },
     kDeepSeek, "give it 2048 tokens of context"},
    {"what leaves memory is named",
     [](auto& fleet, auto& task, auto& requirement) {
       task = fake_task(kMedium, Domain::kReasoning, 200);
       requirement.quality = Quality::kMaximum;
       fleet.models[kMistral].evicts = {"deepseek-coder-6.7b-instruct-q4_k_m"};
     },
     kMistral, "evict deepseek-coder"},
    {"a remote engine needs no memory",
     [](auto& fleet, auto& task, auto& requirement) {
       task = fake_task(kComplex, Domain::kReasoning);
       requirement.quality = Quality::kMaximum;
       fleet.models[kMixtral].place = ModelPlace::kRemote;
       fleet.models[kMixtral].load_time = {};
       fleet.models[kMixtral].decode = {60};
       fleet.models[kMixtral].prefill = {2000};
     },
     kMixtral, "on another server"},
    {"equal scores go to the better role",
     [](auto& fleet, auto&, auto&) {
       FleetModel model = fleet.models[kMistral];
       fleet.models.assign(4, model);
       fleet.models[kDeepSeek].role = ModelRole::kFallback;
       fleet.models[kMistral].role = ModelRole::kTertiary;
       fleet.models[kMixtral].role = ModelRole::kSecondary;
       fleet.models[kPhi].role = ModelRole::kNone;
     },
     kMixtral},
    {"equal scores and roles go to the first in the alphabet",
     [](auto& fleet, auto&, auto&) {
       FleetModel model = fleet.models[kMistral];
       fleet.models.assign(4, model);
       for (std::size_t i = 0; i < 4; ++i) fleet.models[i].id = std::string(1, static_cast<char>('d' - i));
     },
     kPhi},
};

TEST(Decision, FollowsTheScenarios) {
  for (const Scenario& scenario : kScenarios) {
    FleetSnapshot fleet = four_models_on_m1();
    Assessment task = fake_task(kMedium, Domain::kCode);
    Requirement requirement{Quality::kHigh, Performance::kMedium};
    scenario.change(fleet, task, requirement);
    const Decision decision = decide(task, requirement, fleet, {});
    std::string words = decision.reason;
    for (const std::string& step : decision.steps) words += "; " + step;
    for (const CandidateDecision& candidate : decision.candidates)
      words += "; " + candidate.model + " [" + std::to_string(candidate.score) + "] " + candidate.reason;
    EXPECT_EQ(decision.chosen.value_or(kNobody), scenario.model) << scenario.name << ": " << words;
    EXPECT_THAT(words, HasSubstr(scenario.reason)) << scenario.name;
  }
}

TEST(Decision, ANamedModelAnswersOrNone) {
  FleetSnapshot fleet = four_models_on_m1();
  const Assessment task = fake_task(kSimple, Domain::kChat);
  const Decision phi = decide_fixed(task, {}, fleet, {}, fleet.models[kPhi].id);
  EXPECT_EQ(phi.model(), fleet.models[kPhi].id);
  EXPECT_EQ(phi.candidates[kDeepSeek].verdict, Verdict::kNotAsked);
  const Decision mixtral = decide_fixed(task, {}, fleet, {}, fleet.models[kMixtral].id);
  EXPECT_FALSE(mixtral.chosen);
  EXPECT_EQ(no_model_error(mixtral, fleet).code, ErrorCode::kUnavailable);
}

TEST(Decision, ANamedModelThatCannotAnswerNamesOneThatCould) {
  FleetSnapshot fleet = four_models_on_m1();
  Assessment task = fake_task(kMedium, Domain::kCode);
  const Decision mixtral = decide_fixed(task, {}, fleet, {}, fleet.models[kMixtral].id);
  const Error refusal = no_model_error(mixtral, fleet);
  EXPECT_THAT(refusal.message, HasSubstr("needs 27.5 GB, 12.0 GB may be used"));
  EXPECT_THAT(refusal.advice, HasSubstr("use 'deepseek-coder-6.7b-instruct-q4_k_m', which could answer, or 'auto'"));
  EXPECT_EQ(refusal.param, "model");
  task.needs.tools = true;
  fleet.models[kPhi].accepts_tools = false;
  const Error no_tools = no_model_error(decide_fixed(task, {}, fleet, {}, fleet.models[kPhi].id), fleet);
  EXPECT_EQ(no_tools.code, ErrorCode::kUnsupported);
  EXPECT_THAT(no_tools.message, HasSubstr("cannot call tools"));
  task.needs = {.prompt_tokens = 20'000};
  EXPECT_EQ(no_model_error(decide_fixed(task, {}, fleet, {}, fleet.models[kPhi].id), fleet).code, ErrorCode::kContextOverflow);
}

TEST(Decision, WhatIsNotKeptIsSaidInFigures) {
  const FleetSnapshot fleet = four_models_on_m1();
  const Decision slow = decide(fake_task(kMedium, Domain::kCode), {Quality::kHigh, Performance::kMedium, {100}}, fleet, {});
  EXPECT_TRUE(slow.degraded);
  EXPECT_EQ(slow.shortfall, "about 21.0 tok/s, 100.0 were required");
  const Decision kept = decide(fake_task(kMedium, Domain::kCode), {}, fleet, {});
  EXPECT_FALSE(kept.degraded);
  EXPECT_EQ(kept.shortfall, "");
}

TEST(Decision, SaysTheWayOutWhenNothingFits) {
  FleetSnapshot fleet = four_models_on_m1();
  for (FleetModel& model : fleet.models) model.memory = MemoryVerdict::kDoesNotFit;
  Error error = no_model_error(decide(fake_task(kMedium, Domain::kCode), {}, fleet, {}), fleet);
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.advice, HasSubstr("phi-3-mini"));
  fleet.models[kMixtral].next_smaller = "mixtral-8x7b-instruct-q2_k";
  error = no_model_error(decide(fake_task(kMedium, Domain::kCode), {}, fleet, {}), fleet);
  EXPECT_THAT(error.advice, HasSubstr("mixtral-8x7b-instruct-q2_k"));
}

TEST(Decision, TellsWhatNoRetryHelps) {
  FleetSnapshot fleet = four_models_on_m1();
  Assessment task = fake_task(kMedium, Domain::kCode);
  task.needs.images = true;
  EXPECT_EQ(no_model_error(decide(task, {}, fleet, {}), fleet).code, ErrorCode::kUnsupported);
  task.needs.images = false;
  task.needs.prompt_tokens = 100000;
  EXPECT_EQ(no_model_error(decide(task, {}, fleet, {}), fleet).code, ErrorCode::kContextOverflow);
}

TEST(Decision, IsTheSameForTheSameSnapshot) {
  const FleetSnapshot fleet = four_models_on_m1();
  const Decision a = decide(fake_task(kMedium, Domain::kMath), {}, fleet, {});
  const Decision b = decide(fake_task(kMedium, Domain::kMath), {}, fleet, {});
  EXPECT_EQ(a.model(), b.model());
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.candidates[1].score, b.candidates[1].score);
}

}  // namespace
}  // namespace pensieve::selector
