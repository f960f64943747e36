#include "client/chat.h"

#include <gtest/gtest.h>

#include "client/http_client.h"

namespace pensieve {
namespace {

using std::chrono::milliseconds;

std::string piece(const std::string& text) {
  return R"({"model":"m","choices":[{"index":0,"delta":{"content":")" + text + R"("},"finish_reason":null}]})";
}

TEST(AnswerReader, GivesTextAsItComesAndMeasuresFromItsOwnStart) {
  ManualClock clock;
  std::string seen;
  AnswerReader reader(clock, [&](std::string_view text) { seen += std::string(text) + "|"; });
  clock.advance(milliseconds(200));
  reader.on_data(R"({"model":"m","choices":[{"delta":{"role":"assistant","content":""}}]})");
  clock.advance(milliseconds(100));
  reader.on_data(piece("Hel"));
  clock.advance(milliseconds(500));
  reader.on_data(piece("lo"));
  clock.advance(milliseconds(700));
  reader.on_data(R"({"model":"m","choices":[{"delta":{},"finish_reason":"stop"}]})");
  reader.on_data(R"({"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})");
  reader.on_data("[DONE]");
  const auto answer = reader.finish();
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(seen, "Hel|lo|");
  EXPECT_EQ(answer->text, "Hello");
  EXPECT_EQ(answer->finish_reason, "stop");
  EXPECT_EQ(answer->prompt_tokens, 7);
  EXPECT_DOUBLE_EQ(answer->time_to_first_token.count(), 0.3);
  EXPECT_DOUBLE_EQ(answer->tokens_per_second(), 4.0);  // 2 tokens in 0.5 s after the first
}

TEST(AnswerReader, AnErrorInMidAnswerIsTheResult) {
  ManualClock clock;
  AnswerReader reader(clock, [](std::string_view) {});
  reader.on_data(piece("half"));
  reader.on_data(R"({"error":{"message":"the model's process was lost","type":"server_error","code":"worker_lost"}})");
  const auto answer = reader.finish();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "the answer broke off: the model's process was lost");
}

TEST(AnswerReader, AStoppedAnswerCountsItsPieces) {
  ManualClock clock;
  AnswerReader reader(clock, [](std::string_view) {});
  reader.on_data(piece("a"));
  clock.advance(milliseconds(100));
  reader.on_data(piece("b"));
  reader.on_data("nonsense");
  EXPECT_EQ(reader.finish()->completion_tokens, 2);
  EXPECT_DOUBLE_EQ(reader.finish()->tokens_per_second(), 10.0);
  EXPECT_TRUE(reader.finish()->finish_reason.empty());
}

TEST(Question, LeavesOutNoLimitAndMakesInvalidTextValid) {
  const std::string json = question_json({.model = "auto", .messages = {{"user", "a\"\n\xff"}}});
  EXPECT_EQ(json.find("max_tokens"), std::string::npos) << json;
  EXPECT_NE(json.find("\"a\\\"\\n\xEF\xBF\xBD\""), std::string::npos) << json;
  EXPECT_NE(question_json({.messages = {}, .max_tokens = 5}).find("\"max_tokens\":5"), std::string::npos);
}

TEST(Question, EscapesControlCharacters) {
  const std::string json = question_json({.model = "m",
                                          .messages = {{"user",
                                                        "a\x01"
                                                        "b"}}});
  EXPECT_NE(json.find("a\\u0001b"), std::string::npos) << json;
}

TEST(ServerError, IsTheServersOwnMessageWithWhatToDo) {
  const Error known = server_error(404, R"({"error":{"message":"model 'x' is not installed; 'auto' lets the server choose"}})");
  EXPECT_EQ(known.message, "model 'x' is not installed; 'auto' lets the server choose");
  EXPECT_EQ(known.code, ErrorCode::kNotFound);
  EXPECT_NE(server_error(401, R"({"error":{"message":"no key"}})").advice.find("PENSIEVE_API_KEY"), std::string::npos);
  EXPECT_EQ(server_error(502, "<html>").message, "the server answered 502");
}

}  // namespace
}  // namespace pensieve
