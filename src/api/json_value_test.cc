#include "api/json_value.h"

#include <gmock/gmock.h>

#include <format>

#include "base/utf8.h"

namespace pensieve::api {
namespace {

using testing::HasSubstr;

std::string again(std::string_view body) {
  const Result<Json> json = parse_body(body);
  return json ? to_json_text(*json) : json.error().message;
}

TEST(JsonValue, KeepsOrderAndDigits) {
  EXPECT_EQ(again(R"({"z":1,"a":[9007199254740993,-9223372036854775808,0.5,true,null,"x"]})"),
            R"({"z":1,"a":[9007199254740993,-9223372036854775808,0.5,true,null,"x"]})");
}

TEST(JsonValue, RefusesWhatIsNoJsonObject) {
  for (const char* body :
       {"", "{", "}", "{} x", "{}{}", "{\"a\":1,}", "{'a':1}", "{\"a\":01}", "{\"a\":NaN}", "{\"a\":1e999}", "{\"a\":\"\t\"}", "nul"}) {
    EXPECT_THAT(again(body), HasSubstr("not valid JSON")) << body;
  }
  for (const char* body : {"[]", "7", "null", "\"x\""}) EXPECT_THAT(again(body), HasSubstr("not a JSON object")) << body;
}

TEST(JsonValue, BoundsTheNesting) {
  const auto nested = [](std::size_t depth) { return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
  EXPECT_TRUE(parse_body(nested(127)));
  EXPECT_THAT(again(nested(128)), HasSubstr("nested deeper"));
  EXPECT_THAT(again(std::string(100'000, '[')), HasSubstr("nested deeper"));
  EXPECT_TRUE(parse_body("{\"a\":\"" + std::string(1000, '[') + "\"}")) << "brackets in a string are no nesting";
}

TEST(JsonValue, BoundsTheMembersOfAnObject) {
  const auto wide = [](int members) {
    std::string body = "{";
    for (int i = 0; i < members; ++i) body += std::format("{}\"k{}\":[1,2,3]", i > 0 ? "," : "", i);
    return body + "}";
  };
  EXPECT_TRUE(parse_body(wide(10'000)));
  EXPECT_THAT(again(wide(10'001)), HasSubstr("more than 10000 members"));
  std::string numbers = "{\"a\":[0";
  for (int i = 0; i < 20'000; ++i) numbers += ",1";
  EXPECT_TRUE(parse_body(numbers + "]}")) << "arrays may be longer";
  for (int i = 0; i < 1'000'000; ++i) numbers += ",1";
  EXPECT_THAT(again(numbers + "]}"), HasSubstr("more than 1000000 values"));
}

TEST(JsonValue, HalvesOfSurrogatePairsAreReadAsTheReplacementCharacter) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(\ud83d)", "\uFFFD"},
      {R"(a\uDE00\ud83d)", "a\uFFFD\uFFFD"},
      {R"(\ud83d\u0041)", "\uFFFDA"},
      {R"(\ud83d\ud83d\ude00)", "\uFFFD\U0001F600"},
      {R"(\ud83d\n\ude00)", "\uFFFD\\n\uFFFD"},
      {R"(\\ud83d)", R"(\\ud83d)"},
  };
  for (const auto& [escaped, read] : cases) {
    const Result<Json> json = parse_body(std::format("{{\"a\":\"{}\"}}", escaped));
    ASSERT_TRUE(json) << escaped << ": " << json.error().message;
    EXPECT_EQ(to_json_text(*json), std::format("{{\"a\":\"{}\"}}", read)) << escaped;
  }
  EXPECT_THAT(again(R"({"a":"\ud83)"), HasSubstr("not valid JSON"));
}

TEST(JsonValue, TextIsAlwaysValidUtf8) {
  EXPECT_THAT(again("{\"a\":\"\xff\"}"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(again("{\"a\":\"\xED\xA0\x80\"}"), HasSubstr("not valid UTF-8"));
  EXPECT_EQ(again(R"({"a":"\ud83d\ude00"})"), "{\"a\":\"\xF0\x9F\x98\x80\"}");
  for (const char* body : {R"({"a":"\ud800"})", R"({"a":"\ud800x"})", R"({"a":"\udc00"})", R"({"a":"\ud800\ud800"})", R"({"\ud800":1})"}) {
    EXPECT_TRUE(is_valid_utf8(again(body))) << body;
  }
}

TEST(JsonValue, WritesAnyTextAsAString) {
  EXPECT_EQ(json_string("a\"\\\n\r\t\x01\x1f\x7f\xC3\xA9"), "\"a\\\"\\\\\\n\\r\\t\\u0001\\u001f\x7f\xC3\xA9\"");
}

TEST(JsonValue, FieldsNameWhatIsWrong) {
  const Json json = parse_body(R"({"inner":{"text":7,"number":1e300,"null":null}})").value_or(Json{});
  const Result<Fields> fields = Fields::of(json["inner"], "inner");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->text("text").error().param, "inner.text");
  EXPECT_EQ(fields->required_text("null").error().message, "inner.null: is required");
  EXPECT_FALSE(fields->number("number", 0, 1));
  EXPECT_FALSE(fields->integer("number", 0, 10));
}

TEST(JsonValue, WhatWasReadIsWrittenAsJsonAgain) {
  const std::string text = R"({"a\u0007\u000b\"":["\u0000\u001f\n",1,-2.5,null,true,{}]})";
  const std::string written = to_json_text(parse_body(text).value());
  const Result<Json> again = parse_body(written);
  ASSERT_TRUE(again) << written;
  EXPECT_EQ(to_json_text(*again), written);
  EXPECT_EQ(again->get_object().begin()->first, "a\a\v\"");
}

}  // namespace
}  // namespace pensieve::api
