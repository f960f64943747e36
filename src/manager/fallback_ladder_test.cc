#include "manager/fallback_ladder.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

LadderModel model(std::string id, int size, bool ready, bool fallback = false) {
  return {.id = std::move(id), .ready = ready, .loadable = true, .fallback = fallback, .file_bytes = size, .context_tokens = 4096};
}

// The order in which models would go on, each failing in its turn.
std::vector<std::string> order(const std::vector<LadderModel>& models, LadderQuestion question) {
  std::vector<std::string> ids;
  while (const auto next = next_on_ladder(models, question)) {
    ids.push_back(*next);
    question.given_up.push_back(*next);
  }
  return ids;
}

using Order = std::vector<std::string>;

TEST(FallbackLadder, AReadyModelWritesOnBeforeAnyIsLoaded) {
  const std::vector<LadderModel> models = {model("lost", 7, false),  model("small", 1, false),          model("medium", 5, false),
                                           model("huge", 20, false), model("fallback", 3, false, true), model("ready", 6, true)};
  EXPECT_EQ(order(models, {.lost = "lost", .begun = true}), (Order{"ready", "lost", "fallback", "medium", "small", "huge"}));
}

TEST(FallbackLadder, TheReadyFallbackGoesBeforeOtherReadyModels) {
  const std::vector<LadderModel> models = {model("big", 9, true), model("fallback", 3, true, true), model("lost", 7, false)};
  EXPECT_EQ(order(models, {.lost = "lost", .begun = true}), (Order{"fallback", "big", "lost"}));
}

TEST(FallbackLadder, BeforeAnyTextTheChosenModelIsLoadedAgain) {
  const std::vector<LadderModel> models = {model("fallback", 3, true, true), model("lost", 7, false)};
  EXPECT_EQ(order(models, {.lost = "lost", .begun = false}), (Order{"lost", "fallback"}));
}

TEST(FallbackLadder, WhatFailedLatelyOrHasTooShortAContextIsLeftOut) {
  std::vector<LadderModel> models = {model("lost", 7, false), model("short", 5, true), model("other", 4, false)};
  models[0].loadable = false;
  models[1].context_tokens = 512;
  EXPECT_EQ(order(models, {.lost = "lost", .begun = true, .context_needed = 600}), (Order{"other"}));
  models[2].loadable = false;
  EXPECT_EQ(order(models, {.lost = "lost", .begun = true, .context_needed = 600}), Order{});
}

TEST(FallbackLadder, ImagesGoOnlyToModelsThatSeeThem) {
  std::vector<LadderModel> models = {model("lost", 7, false), model("blind", 6, true), model("sees", 5, false)};
  models[2].sees_images = true;
  EXPECT_EQ(order(models, {.lost = "lost", .begun = true, .has_images = true}), (Order{"lost", "sees"}));
}

TEST(FallbackLadder, ReachesNoFurtherThanConfigured) {
  const std::vector<LadderModel> models = {model("lost", 7, false), model("ready", 6, true)};
  EXPECT_EQ(order(models, {.lost = "lost", .begun = true, .reach = failover_reach("same")}), (Order{"lost"}));
  EXPECT_EQ(order(models, {.lost = "lost", .begun = true, .reach = failover_reach("off")}), Order{});
}

}  // namespace
}  // namespace pensieve
