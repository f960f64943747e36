#include "grammar/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar/fake_matcher.h"
#include "grammar/gbnf_check.h"

namespace pensieve::grammar {
namespace {

using testing::AllOf;
using testing::HasSubstr;

bool accepts(const std::string& grammar, const std::string& text) { return FakeMatcher(grammar).accepts(text); }

std::string compiled(const std::string& schema) {
  const auto grammar = schema_grammar(schema, {});
  EXPECT_TRUE(grammar) << schema << ": " << (grammar ? "" : grammar.error().text());
  if (!grammar) return "root ::= \"?\"\n";
  const auto facts = check_grammar(*grammar, "");
  EXPECT_TRUE(facts) << (facts ? "" : facts.error().text()) << "\n" << *grammar;
  return *grammar;
}

void expect(const std::string& schema, const std::vector<std::string>& valid, const std::vector<std::string>& invalid) {
  FakeMatcher matcher(compiled(schema));
  for (const std::string& text : valid) EXPECT_TRUE(matcher.accepts(text)) << schema << " should accept " << text;
  for (const std::string& text : invalid) EXPECT_FALSE(matcher.accepts(text)) << schema << " should not accept " << text;
}

Error refused(const std::string& schema, bool strict = true) {
  const auto grammar = schema_grammar(schema, {.strict = strict, .literals = Literals::kJson, .param = "response_format"});
  EXPECT_FALSE(grammar) << schema;
  return grammar ? Error{} : grammar.error();
}

TEST(JsonSchema, KeepsMembersInTheirOrderAndOptionalOnesOptional) {
  expect(
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"},"c":{"type":"null"}},
             "required":["b"],"additionalProperties":false})",
      {R"({"a": 1, "b": true, "c": null})", R"({"b":false})", R"({ "a":-3, "b": true })", "{\n  \"b\": true\n}", R"({"b":true,"c":null})"},
      {R"({"a": 1})", R"({})", R"({"b":true,"a":1})", R"({"b":1})", R"({"b":true,})", R"({"b":true,"d":1})", R"({"b": true)"});
}

TEST(JsonSchema, AllowsNoMemberTwiceByAnotherName) {
  const std::string schema = R"({"type":"object","properties":{"ab":{"type":"integer"}},"additionalProperties":{"type":"string"}})";
  expect(schema, {R"({"ab":1,"abc":"x"})", R"({"a":"x"})", R"({"ac":"x","z":"y"})", R"({})", R"({"é":"x"})"},
         {R"({"ab":"x"})", R"({"a":"x","ab":"x"})", R"({"\u0061b":"x"})", R"({"z":1})"});
}

TEST(JsonSchema, AllowsOtherNamesBesideNamesThatNeedEscapes) {
  const std::string schema = R"({"type":"object","properties":{"\"b\"":{"type":"null"},"a\\":{"type":"null"}},"required":["\"b\""],
                                 "additionalProperties":{"type":"integer"}})";
  expect(schema, {R"({"\"b\"":null})", R"({"\"b\"":null,"a\\":null,"b":1})", R"({"\"b\"":null,"a":1})"},
         {R"({"\"b\"":null,""":0})", R"({"\"b\"":null,""b"":0})", R"({"\"b\"":null,"a\":0})", R"({"\"b\"":null,"\"b\"":0})"});
}

TEST(JsonSchema, HoldsRequiredMembersWithoutASchema) {
  expect(R"({"type":"object","required":["a"]})", {R"({"a":[1,"x",{}]})"}, {R"({})", R"({"b":1})"});
}

TEST(JsonSchema, TakesMapsWithPatternsAndCounts) {
  expect(R"({"type":"object","patternProperties":{"^x[0-9]+$":{"type":"integer"}},"minProperties":1,"maxProperties":2})",
         {R"({"x1":1})", R"({"x1":1, "x22":2})"}, {R"({})", R"({"y":1})", R"({"x1":"a"})", R"({"x1":1,"x2":2,"x3":3})"});
  expect(R"({"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"type":"null"}})", {R"({"a":null})"},
         {R"({"c":null})"});
}

TEST(JsonSchema, HoldsEnumsConstantsAndTypeLists) {
  expect(R"({"enum":["a\"b",1,null,{"k":[true]}]})", {R"("a\"b")", "1", "null", R"({"k": [true]})"}, {"2", "true", R"("a")"});
  expect(R"({"const":"日本"})", {R"("日本")"}, {R"("日")"});
  expect(R"({"type":["string","null"],"enum":["a",null,3]})", {R"("a")", "null"}, {"3"});
  expect(R"({"type":["integer","null"]})", {"7", "null"}, {"\"7\"", "1.5"});
}

TEST(JsonSchema, MergesAlternativesWithWhatStandsBesideThem) {
  expect(R"({"type":"object","properties":{"kind":{"type":"string"}},"required":["kind"],
             "oneOf":[{"properties":{"kind":{"const":"a"},"n":{"type":"integer"}},"required":["n"]},{"properties":{"kind":{"const":"b"}}}]})",
         {R"({"kind":"a","n":1})", R"({"kind":"b"})"}, {R"({"kind":"a"})", R"({"kind":"c"})", R"({"n":1})"});
  expect(R"({"allOf":[{"type":"number","minimum":3},{"type":"integer","maximum":5}]})", {"3", "4", "5"}, {"2", "6", "4.5"});
  expect(R"({"anyOf":[{"type":"string","maxLength":2},{"type":"integer"}]})", {"\"ab\"", "12"}, {"\"abc\"", "true"});
}

TEST(JsonSchema, FollowsReferencesAndRecursion) {
  expect(R"({"$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},
             "required":["v","kids"],"additionalProperties":false}},"$ref":"#/$defs/tree"})",
         {R"({"v":1,"kids":[]})", R"({"v":1,"kids":[{"v":2,"kids":[]},{"v":3,"kids":[]}]})"}, {R"({"v":1})", R"({"v":1,"kids":[1]})"});
  expect(R"({"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["next"]})",
         {R"({"next":null})", R"({"next":{"next":{"next":null}}})"}, {R"({"next":1})"});
}

TEST(JsonSchema, HoldsArraysToTheirBoundsAndPlaces) {
  expect(R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3})", {"[1, 2]", "[1,2,3]"}, {"[]", "[1]", "[1,2,3,4]"});
  expect(R"({"type":"array","items":{"type":"integer"},"maxItems":0})", {"[]"}, {"[1]"});
  expect(R"({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":{"type":"boolean"}})",
         {R"(["a", 1])", R"(["a",1,true,false])"}, {R"([1,"a"])", R"(["a",1,2])"});
  expect(R"({"type":"array","prefixItems":[{"type":"null"}],"items":false})", {"[null]"}, {"[null,null]"});
}

TEST(JsonSchema, HoldsWholeNumbersWithinBounds) {
  for (const auto& [low, high] : {std::pair{-12, 7}, {0, 0}, {5, 123}, {-205, -99}, {19, 20}, {-1, 1}, {100, 9999}}) {
    FakeMatcher matcher(
        compiled("{\"type\":\"integer\",\"minimum\":" + std::to_string(low) + ",\"maximum\":" + std::to_string(high) + "}"));
    for (int n = -1100; n <= 1100; ++n) {
      const bool within = n >= low && n <= high;
      if (within != matcher.accepts(std::to_string(n))) ADD_FAILURE() << n << " of " << low << " to " << high;
    }
  }
  expect(R"({"type":"integer","exclusiveMinimum":0})", {"1", "10", "999999999999999"}, {"0", "-1", "01"});
}

TEST(JsonSchema, HoldsDecimalNumbersWithinBounds) {
  expect(R"({"type":"number","minimum":0,"maximum":1})", {"0", "1", "0.5", "0.999999", "1.0"}, {"1.000001", "-0.1", "2", "1.5", "."});
  expect(R"({"type":"number","exclusiveMinimum":0.25,"exclusiveMaximum":12.5})", {"0.26", "0.250001", "7", "12.499999", "12"},
         {"0.25", "0.2", "0", "12.5", "12.50", "13", "0.250000"});
  expect(R"({"type":"number","minimum":-3.5})", {"-3.5", "-3", "0", "123456.25", "-0.5"}, {"-3.6", "-4", "-30"});
}

TEST(JsonSchema, HoldsStringsToLengthsInCharacters) {
  expect(R"({"type":"string","minLength":2,"maxLength":3})", {R"("ab")", R"("日本語")", R"("\n\"")", R"("😀a")"},
         {R"("a")", R"("abcd")", R"("")"});
  FakeMatcher matcher(compiled(R"({"type":"string","minLength":300,"maxLength":700})"));
  for (const std::size_t length : {299U, 300U, 555U, 556U, 557U, 700U, 701U}) {
    EXPECT_EQ(matcher.accepts('"' + std::string(length, 'x') + '"'), length >= 300 && length <= 700) << length;
  }
}

TEST(JsonSchema, WritesNoEscapeThatIsNoCharacter) {
  expect(R"({"type":"string"})", {R"("\u00e9")", R"("\ud7ff")", R"("\/")"}, {R"("\ud800")", R"("\uDFFF")", "\"\n\"", R"("\x")"});
}

TEST(JsonSchema, HoldsPatterns) {
  expect(R"({"type":"string","pattern":"^[A-Z]{2}-\\d+(\\.\\d{1,2})?$"})", {R"("AB-1")", R"("AB-12.5")"},
         {R"("AB-")", R"("ab-1")", R"("AB-1.")"});
  expect(R"({"type":"string","pattern":"^(foo|ba[rz])?$"})", {R"("")", R"("foo")", R"("baz")"}, {R"("ba")"});
  expect(R"({"type":"string","pattern":"@"})", {R"("a@b")", R"("@")"}, {R"("ab")"});
  expect(R"({"type":"string","pattern":"^[^\"a]\\\\$"})", {R"("b\\")", R"("\\\\")"}, {R"("a\\")", R"("\"\\")"});
  expect(R"({"type":"string","pattern":"^[a-z]+$","minLength":3,"maxLength":5})", {R"("abc")", R"("abcde")"}, {R"("ab")", R"("abcdef")"});
}

TEST(JsonSchema, HoldsFormats) {
  expect(R"({"type":"string","format":"date"})", {R"("2024-02-28")"}, {R"("2024-02-30")", R"("2024-13-01")", R"("24-01-01")"});
  expect(R"({"type":"string","format":"date-time"})", {R"("2024-12-31T23:59:59Z")"}, {R"("2024-12-31")"});
  expect(R"({"type":"string","format":"uuid"})", {R"("123e4567-e89b-42d3-a456-426614174000")"}, {R"("123e4567")"});
  expect(R"({"type":"string","format":"ipv4"})", {R"("255.0.10.1")"}, {R"("256.0.0.1")", R"("1.2.3")"});
  expect(R"({"type":"string","format":"email"})", {R"("a.b@c.de")"}, {R"("a@b")"});
  expect(R"({"type":"string","format":"binary"})", {R"("anything")"}, {});
}

TEST(JsonSchema, TakesAnyObjectInJsonMode) {
  const std::string grammar = json_object_grammar();
  ASSERT_TRUE(check_grammar(grammar, ""));
  EXPECT_TRUE(accepts(grammar, R"({"a": [1, -2.5e3, {"b": "x\n"}], "c": null})"));
  EXPECT_FALSE(accepts(grammar, "[1]"));
  EXPECT_FALSE(accepts(grammar, "{\"a\": \n\n\n 1}"));
}

TEST(JsonSchema, WritesPythonLiterals) {
  Rules rules;
  const auto root =
      compile_schema(rules, R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"enum":[null,true]}},"required":["a","b"]})",
                     {.strict = false, .literals = Literals::kPython, .param = ""});
  EXPECT_TRUE(accepts(rules.text(*root), R"({"a": True, "b": None})"));
  EXPECT_FALSE(accepts(rules.text(*root), R"({"a": true, "b": null})"));
}

TEST(JsonSchema, NamesWhatItCanNotHold) {
  const std::string inside = R"({"type":"object","properties":{"a":)";
  EXPECT_THAT(refused(inside + R"({"not":{"type":"string"}}}})").message, AllOf(HasSubstr("'not'"), HasSubstr("#/properties/a")));
  EXPECT_EQ(refused(R"({"type":"array","uniqueItems":true})").code, ErrorCode::kUnsupported);
  EXPECT_EQ(refused(R"({"type":"array","uniqueItems":true})").param, "response_format");
  EXPECT_THAT(refused(R"({"type":"string","pattern":"(?=a)b"})").message, AllOf(HasSubstr("pattern"), HasSubstr("look-ahead")));
  EXPECT_THAT(refused(R"({"type":"integer","multipleOf":7})").message, HasSubstr("multipleOf"));
}

TEST(JsonSchema, RefusesWhatIsNoSchemaOrAcceptsNothing) {
  for (const char* schema :
       {"", "[", "3", R"({"type":"text"})", R"({"$ref":"#/nowhere"})", R"({"$ref":"http://x/y"})", R"({"enum":[]})", "false",
        R"({"type":"integer","minimum":3,"maximum":2})", R"({"minLength":3,"maxLength":2})", R"({"type":"string","minLength":-1})",
        R"({"type":"string","pattern":"("})", R"({"allOf":[{"type":"string"},{"type":"integer"}]})"}) {
    EXPECT_EQ(refused(schema).code, ErrorCode::kInvalidArgument) << schema;
  }
}

TEST(JsonSchema, PassesOverKeywordsOfToolsThatItCanNotHold) {
  const auto grammar = schema_grammar(R"({"type":"array","items":{"type":"integer"},"uniqueItems":true})", {.strict = false, .param = ""});
  ASSERT_TRUE(grammar);
  EXPECT_TRUE(accepts(*grammar, "[1, 1]"));
}

TEST(JsonSchema, SeesRecursionWithoutEnd) {
  const auto grammar = schema_grammar(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", {});
  ASSERT_TRUE(grammar);
  EXPECT_THAT(check_grammar(*grammar, "").error().message, HasSubstr("no finite text"));
}

TEST(JsonSchema, BoundsHostileSchemas) {
  EXPECT_FALSE(schema_grammar(std::string(20'000, '[') + std::string(20'000, ']'), {}));
  std::string wide = R"({"allOf":[)";
  for (int i = 0; i < 30; ++i) wide += "{\"anyOf\":[{\"minLength\":" + std::to_string(i) + "},{\"maxLength\":99}]},";
  wide.back() = ']';
  EXPECT_FALSE(schema_grammar(wide + "}", {}));
  expect(R"({"type":"string","maxLength":2147483647})", {"\"a\""}, {});
}

}  // namespace
}  // namespace pensieve::grammar
