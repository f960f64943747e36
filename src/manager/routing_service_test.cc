#include "manager/routing_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "manager/fake_generations.h"
#include "manager/fake_planner.h"

namespace pensieve {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Generated = Result<std::unique_ptr<GenerationStream>>;

// "auto" leaves the choice to the server; ids and roles name a model.
class Directory final : public ModelDirectory {
 public:
  Result<ResolvedName> resolve(std::string_view name) override {
    if (name.starts_with("auto")) return ResolvedName{.id = models_.front().id, .fixed = false, .automatic = std::string(name)};
    for (const InstalledModel& model : models_) {
      if (model.id == name || std::ranges::contains(model.aliases, name)) return ResolvedName{.id = model.id};
    }
    return fail(ErrorCode::kNotFound, "model '" + std::string(name) + "' is not installed", "", "model");
  }
  std::vector<InstalledModel> models() override { return models_; }
  std::vector<SkippedFile> skipped() override { return {}; }
  void add(std::string id, std::string role, double billions, std::int64_t context = 8192) {
    models_.push_back({.id = std::move(id),
                       .aliases = {std::move(role)},
                       .architecture = "llama",
                       .quantization = "Q4_K_M",
                       .file_bytes = static_cast<std::int64_t>(billions * 0.06e9),
                       .parameters = static_cast<std::int64_t>(billions * 1e9),
                       .context_length = context});
  }

  void add_for_embeddings(std::string id) { models_.push_back({.id = std::move(id), .architecture = "bert", .makes_embeddings = true}); }

 private:
  std::vector<InstalledModel> models_;
};

class Routing : public testing::Test {
 protected:
  Routing() {
    add("coder-7b", "primary", 7);
    add("small", "fallback", 0.1);
  }
  void add(std::string id, std::string role, double billions, std::int64_t context = 8192) {
    directory.add(id, std::move(role), billions, context);
    service.add_model({.id = std::move(id), .context_tokens = context, .state = ModelState::kReady});
  }
  static GenerationRequest request(std::string model, std::string text = "Explain how tides work.") {
    GenerationRequest request{.id = "r1", .model = std::move(model)};
    request.messages = {{.role = Role::kUser, .text = std::move(text)}};
    return request;
  }
  static GenerationRequest hard(std::string model = "auto:best") {
    return request(std::move(model), "Prove that every bounded entire function is constant and derive the fundamental theorem of algebra.");
  }
  RoutingService& routing() {
    if (!routing_) routing_.emplace(service, directory, clock, settings);
    return *routing_;
  }
  Result<void> choose(GenerationRequest& asked) { return completed(routing().choose(asked)); }
  Generated generate(GenerationRequest asked) { return completed(routing().generate(std::move(asked))); }
  void take(GenerationStream& stream) {
    while (true) {
      const auto event = completed(stream.next(1h));
      if (event && is_terminal(*event)) return;
    }
  }
  const DecisionRecord& record() {
    const DecisionRecord* found = routing().log().find("r1");
    EXPECT_NE(found, nullptr);
    static const DecisionRecord none;
    return found == nullptr ? none : *found;
  }

  ManualClock clock;
  Directory directory;
  FakeGenerations service{clock};
  FakePlanning planning;
  RoutingService::Settings settings{.policy = {}, .defaults = {}, .planner = planning.planner};

 private:
  std::optional<RoutingService> routing_;
};

TEST_F(Routing, PutsTheChosenModelInThePlaceOfAuto) {
  GenerationRequest asked = hard();
  ASSERT_TRUE(choose(asked));
  EXPECT_EQ(asked.model, "coder-7b");
  EXPECT_EQ(record().asked, "auto:best");
  EXPECT_FALSE(record().named);
}

TEST_F(Routing, AChosenRequestIsNotDecidedAgain) {
  GenerationRequest asked = hard();
  ASSERT_TRUE(choose(asked));
  const auto stream = generate(asked);
  ASSERT_TRUE(stream);
  EXPECT_EQ(routing().log().records().size(), 1U);
  EXPECT_FALSE(record().named);
}

TEST_F(Routing, AnswersOfOneRequestComeFromOneModelAndAreNoRegenerations) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(generate(hard()));
  EXPECT_EQ(routing().log().records().size(), 1U);
  EXPECT_EQ(record().outcome.regenerations, 0);
}

TEST_F(Routing, ANamedModelIsADecisionToo) {
  for (const char* name : {"small", "fallback"}) {
    GenerationRequest asked = hard(name);
    ASSERT_TRUE(choose(asked));
    EXPECT_EQ(asked.model, "small");
    EXPECT_EQ(record().asked, name);
    EXPECT_TRUE(record().named);
  }
}

TEST_F(Routing, ANamedModelThatDoesNotFitIsRefusedWithFiguresAndTheWayOut) {
  add("huge-70b", "tertiary", 700);
  service.at("huge-70b").state = ModelState::kUnloaded;
  GenerationRequest asked = request("tertiary");
  const Result<void> refused = choose(asked);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message,
              testing::AllOf(HasSubstr("model 'huge-70b': does not fit in memory: needs 4"), HasSubstr("GB may be used")));
  EXPECT_THAT(refused.error().advice, HasSubstr("or 'auto'"));
  EXPECT_EQ(state_of(record().outcome), "failed");
  EXPECT_THAT(record().outcome.error, HasSubstr("does not fit"));
}

TEST_F(Routing, ANamedModelWithoutEyesIsRefusedForImages) {
  GenerationRequest asked = request("small");
  asked.messages[0].images.emplace_back();
  const Result<void> refused = choose(asked);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot see images"));
}

TEST_F(Routing, ImagesGoToAModelThatSees) {
  directory.add("eyes", "tertiary", 1);
  service.add_model({.id = "eyes", .capabilities = {"vision"}, .context_tokens = 8192, .state = ModelState::kReady});
  GenerationRequest asked = request("auto");
  asked.messages[0].images.emplace_back();
  ASSERT_TRUE(choose(asked));
  EXPECT_EQ(asked.model, "eyes");
}

TEST_F(Routing, ANamedModelForEmbeddingsIsRefusedAsWhatItIs) {
  directory.add_for_embeddings("vectors");
  service.add_model({.id = "vectors", .context_tokens = 512, .state = ModelState::kReady});
  const Generated refused = generate(request("vectors"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("makes embeddings and can't answer"));
  EXPECT_EQ(routing().decide(request("vectors")).error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(generate(request("auto")));
}

TEST_F(Routing, APromptThatSeemsTooLongGoesToBeCounted) {
  add("wide", "tertiary", 1, 16384);
  const std::string text(200'000, 'w');
  GenerationRequest asked = request("auto", text);
  ASSERT_TRUE(choose(asked));
  EXPECT_EQ(asked.model, "wide");
  asked = request("small", text);
  ASSERT_TRUE(choose(asked));
  EXPECT_EQ(asked.model, "small") << "the named one counts itself";
  EXPECT_THAT(record().decision.steps, ElementsAre(HasSubstr("count")));
}

TEST_F(Routing, AnUnknownNameIsNotFound) {
  GenerationRequest asked = request("gone");
  EXPECT_EQ(choose(asked).error().code, ErrorCode::kNotFound);
}

TEST_F(Routing, WhereTheChosenModelCannotBeHadTheNextBestAnswers) {
  service.refusals["coder-7b"] = {ErrorCode::kOutOfMemory, "no memory", "", ""};
  const auto stream = generate(hard());
  ASSERT_TRUE(stream) << stream.error().text();
  EXPECT_EQ((*stream)->model(), "small");
  EXPECT_EQ(record().decision.model(), "small");
  EXPECT_THAT(record().decision.steps, testing::Contains("'coder-7b' could not answer: no memory"));
}

TEST_F(Routing, ANamedModelIsNotReplaced) {
  service.refusals["coder-7b"] = {ErrorCode::kOutOfMemory, "no memory", "", ""};
  const auto stream = generate(hard("coder-7b"));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().message, "no memory");
  EXPECT_EQ(record().outcome.error, "no memory");
}

TEST_F(Routing, WhatNoOtherModelHelpsIsNotTriedElsewhere) {
  service.refusals["coder-7b"] = {ErrorCode::kInvalidArgument, "bad stop", "", ""};
  EXPECT_FALSE(generate(hard()));
  EXPECT_EQ(service.requests.size(), 1U);
}

TEST_F(Routing, WhereAllFailTheLastReasonIsGiven) {
  service.refusals["coder-7b"] = {ErrorCode::kOutOfMemory, "no memory", "", ""};
  service.refusals["small"] = {ErrorCode::kWorkerLost, "crashed", "", ""};
  const auto stream = generate(hard());
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().message, "crashed");
  EXPECT_EQ(service.requests.size(), 2U);
}

TEST_F(Routing, AFailedModelIsLeftAloneForAMinuteAndThenTriedAgain) {
  service.at("coder-7b").state = ModelState::kFailed;
  GenerationRequest asked = hard();
  ASSERT_TRUE(choose(asked));
  EXPECT_EQ(asked.model, "small");
  clock.advance(61s);
  asked = hard();
  asked.id = "r2";
  ASSERT_TRUE(choose(asked));
  EXPECT_EQ(asked.model, "coder-7b");
}

TEST_F(Routing, WhereOnlyFailedModelsAreLeftOneIsTriedAgain) {
  for (const char* id : {"coder-7b", "small"}) service.at(id).state = ModelState::kFailed;
  GenerationRequest asked = request("auto");
  EXPECT_TRUE(choose(asked));
  EXPECT_THAT(record().decision.steps, ElementsAre(HasSubstr("try again to load")));
}

TEST_F(Routing, AContractThatIsNotKeptIsSaidWithTheAnswer) {
  GenerationRequest asked = request("auto");
  asked.requirements.min_tokens_per_second = 100'000;
  const auto stream = generate(std::move(asked));
  ASSERT_TRUE(stream);
  EXPECT_THAT((*stream)->degraded(), HasSubstr("100000.0 were required"));
  take(**stream);
  EXPECT_THAT(record().outcome.degraded, HasSubstr("required"));
}

TEST_F(Routing, TheOutcomeTellsSpeedsAndWhoAnswered) {
  service.play(
      "coder-7b",
      {{Started{}},
       {Delta{.text = "a", .tokens = 1}, false, 200ms},
       {Finished{.usage = {.prompt_tokens = 64, .completion_tokens = 20}, .timings = {.prefill_us = 1'000'000, .decode_us = 1'000'000}}}});
  const auto stream = generate(hard());
  take(**stream);
  const DecisionOutcome& outcome = record().outcome;
  EXPECT_EQ(state_of(outcome), "finished");
  EXPECT_EQ(outcome.model, "coder-7b");
  EXPECT_EQ(outcome.ttft, 200ms);
  EXPECT_DOUBLE_EQ(outcome.speed.value, 20);
}

// Two tiers.

class RoutingTiers : public Routing {
 protected:
  RoutingTiers() {
    settings.defaults = {.quality = Quality::kHigh, .performance = Performance::kLow};
    settings.tiers = {.triage = selector::TierMode::kOn,
                      .cascade = selector::TierMode::kOn,
                      .triage_band = 100,
                      .triage_limit = 60s,
                      .held_tokens = 1,
                      .cascade_share = 1};
  }
};

TEST_F(RoutingTiers, ASmallModelsSureAnswerIsKept) {
  settings.tiers.triage = selector::TierMode::kOff;
  service.at("coder-7b").state = ModelState::kUnloaded;
  service.play("small", {{Started{}}, {scored_delta("Sure", -0.01), false, 40ms}, {Finished{}}});
  const auto stream = generate(hard("auto"));
  ASSERT_TRUE(stream);
  ASSERT_TRUE(record().cascade) << record().decision.reason;
  take(**stream);
  EXPECT_EQ((*stream)->model(), "small");
  ASSERT_TRUE(record().cascade->outcome);
  EXPECT_FALSE(record().cascade->outcome->escalated);
  EXPECT_EQ(record().decision.model(), "coder-7b");
  EXPECT_EQ(record().outcome.model, "small");
}

TEST_F(RoutingTiers, ADoubtfulOneEscalatesToTheChosenModel) {
  settings.tiers.triage = selector::TierMode::kOff;
  service.at("coder-7b").state = ModelState::kUnloaded;
  service.play("small", {{Started{}}, {scored_delta("Hm", -5)}, {Finished{}}});
  const auto stream = generate(hard("auto"));
  take(**stream);
  EXPECT_EQ((*stream)->model(), "coder-7b");
  EXPECT_TRUE(record().cascade->outcome->escalated);
}

TEST_F(RoutingTiers, NamedModelsAndTheHighestQualityAreNotTriedWithLess) {
  settings.tiers.triage = selector::TierMode::kOff;
  service.at("coder-7b").state = ModelState::kUnloaded;
  for (const char* name : {"coder-7b", "auto:best"}) {
    GenerationRequest asked = hard(name);
    asked.id = name;
    ASSERT_TRUE(choose(asked));
    EXPECT_EQ(asked.model, "coder-7b") << name;
  }
}

TEST_F(RoutingTiers, ATriageAnswerMovesTheDecision) {
  settings.tiers.cascade = selector::TierMode::kOff;
  settings.defaults = {.quality = Quality::kGood, .performance = Performance::kHigh};
  for (const auto& [name, billions] : std::map<std::string, double>{{"b", 4}, {"c", 4.5}, {"d", 5}, {"e", 5.5}, {"f", 6}, {"g", 30}}) {
    add(name, "", billions);
  }
  TokenLogprobs answer{.sampled = {.bytes = "No"}, .top = {{.bytes = "No", .logprob = -0.01}, {.bytes = "Yes", .logprob = -5}}};
  service.play("small", {{Started{}}, {Delta{.text = "No", .tokens = 1, .logprobs = {answer}}, false, 80ms}, {Finished{}}});
  GenerationRequest asked = request("auto", "Compare two ways to cache the results of this function and say which is better.");
  ASSERT_TRUE(choose(asked));
  ASSERT_TRUE(record().triage) << record().decision.reason;
  EXPECT_EQ(record().triage->model, "small");
  EXPECT_LT(record().triage->yes.value_or(1), 0.1);
  EXPECT_EQ(record().triage->time, 80ms);
  EXPECT_THAT(service.requests.front().id, HasSubstr("triage"));
}

TEST_F(RoutingTiers, ATriageWithoutAnAnswerChangesNothing) {
  settings.tiers.cascade = selector::TierMode::kOff;
  settings.defaults = {.quality = Quality::kGood, .performance = Performance::kHigh};
  for (const auto& [name, billions] : std::map<std::string, double>{{"b", 4}, {"c", 4.5}, {"d", 5}, {"e", 5.5}, {"f", 6}, {"g", 30}}) {
    add(name, "", billions);
  }
  service.refusals["small"] = {ErrorCode::kOverloaded, "busy", "", ""};
  GenerationRequest asked = request("auto", "Compare two ways to cache the results of this function and say which is better.");
  ASSERT_TRUE(choose(asked));
  ASSERT_TRUE(record().triage);
  EXPECT_FALSE(record().triage->yes);
  EXPECT_FALSE(record().triage->changed);
}

}  // namespace
}  // namespace pensieve
