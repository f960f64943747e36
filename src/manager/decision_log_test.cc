#include "manager/decision_log.h"

#include <gtest/gtest.h>

#include "manager/fleet_history.h"

namespace pensieve {
namespace {

DecisionRecord record(std::string id, std::uint64_t prompt) { return {.id = std::move(id), .prompt_hash = prompt}; }

TEST(DecisionLog, ForgetsTheOldestBeyondItsLimit) {
  DecisionLog log(2);
  for (const char* id : {"a", "b", "c"}) log.keep(record(id, static_cast<std::uint64_t>(id[0])));
  EXPECT_EQ(log.find("a"), nullptr);
  EXPECT_NE(log.find("c"), nullptr);
  log.note_outcome("a", {.ended = true});
  EXPECT_EQ(log.records().size(), 2U);
}

TEST(DecisionLog, APromptThatComesAgainCountsAsRegenerated) {
  DecisionLog log;
  log.keep(record("a", 1));
  log.keep(record("b", 2));
  log.keep(record("c", 1));
  log.note_outcome("a", {.ended = true});
  EXPECT_EQ(log.find("a")->outcome.regenerations, 1);
  EXPECT_TRUE(log.find("a")->outcome.ended);
  EXPECT_EQ(log.find("b")->outcome.regenerations, 0);
}

TEST(FleetHistory, RemembersSpeedsAndWhatWasRead) {
  FleetHistory history;
  GenerationRequest request;
  request.messages = {{.role = Role::kSystem, .text = "now 12:00"}, {.role = Role::kUser, .text = "Explain tides."}};
  history.note_answer("m", conversation_key(request), {.prompt_tokens = 1000, .cached_prompt_tokens = 200, .completion_tokens = 50},
                      {.prefill_us = 4'000'000, .decode_us = 5'000'000});
  EXPECT_DOUBLE_EQ(history.decode("m").value, 10);
  EXPECT_DOUBLE_EQ(history.prefill("m").value, 200);
  EXPECT_EQ(history.decode("other").value, 0);
  request.messages[0].text = "now 12:01";
  request.messages.push_back({.role = Role::kAssistant, .text = "..."});
  EXPECT_EQ(history.warm_tokens("m", conversation_key(request)), 1050);
  EXPECT_EQ(history.warm_tokens("other", conversation_key(request)), 0);
  history.forget("m");
  EXPECT_EQ(history.warm_tokens("m", conversation_key(request)), 0);
}

TEST(FleetHistory, ANewMeasurementMovesTheMeanAPart) {
  FleetHistory history;
  history.note_answer("m", 1, {.completion_tokens = 10}, {.decode_us = 1'000'000});
  history.note_answer("m", 1, {.completion_tokens = 20}, {.decode_us = 1'000'000});
  EXPECT_NEAR(history.decode("m").value, 13, 0.01);
  history.note_answer("m", 1, {.completion_tokens = 2}, {.decode_us = 1});
  EXPECT_NEAR(history.decode("m").value, 13, 0.01);
}

}  // namespace
}  // namespace pensieve
