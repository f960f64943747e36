#include "engine/text_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"

namespace pensieve::engine {
namespace {

using Stops = std::vector<std::string>;

struct Outcome {
  std::string text;
  std::optional<std::size_t> stopped_by;
  bool operator==(const Outcome&) const = default;
};

Outcome stream_in_pieces(std::string_view bytes, const Stops& stops, auto next_size) {
  TextStream stream(stops);
  Outcome outcome;
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(next_size(), bytes.size());
    const std::string text = stream.push(bytes.substr(0, size));
    EXPECT_TRUE(is_valid_utf8(text));
    outcome.text += text;
    bytes.remove_prefix(size);
  }
  outcome.text += stream.finish();
  outcome.stopped_by = stream.stopped_by();
  return outcome;
}

// What the contract says, computed the slow way on the whole text.
Outcome expected(std::string_view bytes, const Stops& stops) {
  for (std::size_t end = 1; end <= bytes.size(); ++end) {
    std::optional<std::size_t> hit;
    for (std::size_t i = 0; i < stops.size(); ++i) {
      if (stops[i].empty() || !bytes.substr(0, end).ends_with(stops[i])) continue;
      if (!hit || stops[i].size() > stops[*hit].size()) hit = i;
    }
    if (hit) return {replace_invalid_utf8(bytes.substr(0, end - stops[*hit].size())), hit};
  }
  return {replace_invalid_utf8(bytes), std::nullopt};
}

TEST(TextStream, SendsTextAtOnceWhenNothingHoldsItBack) {
  TextStream stream(Stops{});
  EXPECT_EQ(stream.push("Hello"), "Hello");
  EXPECT_EQ(stream.push(" world"), " world");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, NeverSplitsACharacter) {
  TextStream stream(Stops{});
  EXPECT_EQ(stream.push("a\xF0\x9F"), "a");
  EXPECT_EQ(stream.push("\x98"), "");
  EXPECT_EQ(stream.push("\x80!"), "\xF0\x9F\x98\x80!");
}

TEST(TextStream, ReplacesACharacterThatTheTextEndsWithin) {
  TextStream stream(Stops{});
  EXPECT_EQ(stream.push("a\xE2\x82"), "a");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
}

TEST(TextStream, HoldsBackWhatMayBecomeAStopString) {
  TextStream stream(Stops{"\nUser:"});
  EXPECT_EQ(stream.push("Hi\nUs"), "Hi");
  EXPECT_EQ(stream.push("ed"), "\nUsed");
  EXPECT_EQ(stream.push("\nUser"), "");
  EXPECT_EQ(stream.push(": and more"), "");
  EXPECT_EQ(stream.stopped_by(), 0U);
  EXPECT_EQ(stream.push("more"), "");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, ReleasesAHeldBackBeginningAtTheEnd) {
  TextStream stream(Stops{"STOP"});
  EXPECT_EQ(stream.push("aSTO"), "a");
  EXPECT_EQ(stream.finish(), "STO");
  EXPECT_FALSE(stream.stopped_by());
}

TEST(TextStream, StopsAtTheStringThatEndsFirst) {
  EXPECT_EQ(stream_in_pieces("abcd", Stops{"abcd", "bc"}, [] { return 4; }), (Outcome{"a", 1U}));
  EXPECT_EQ(stream_in_pieces("xabc", Stops{"c", "abc"}, [] { return 4; }), (Outcome{"x", 1U}));
}

TEST(TextStream, IgnoresAnEmptyStopString) {
  EXPECT_EQ(stream_in_pieces("abc", Stops{""}, [] { return 1; }), (Outcome{"abc", std::nullopt}));
}

TEST(TextStream, GivesTheSameTextHoweverTheBytesAreCut) {
  std::mt19937 random(7);
  const std::vector<std::string> alphabet{"a", "b", "ab", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xFF", "\xE2\x82", "\n"};
  const auto pick = [&](std::size_t below) { return random() % below; };
  for (int round = 0; round < 3000; ++round) {
    const auto words = [&](std::size_t most) {
      std::string text;
      for (std::size_t n = pick(most) + 1; n > 0; --n) text += alphabet[pick(alphabet.size())];
      return text;
    };
    Stops stops;
    for (std::size_t n = pick(4); n > 0; --n) stops.push_back(words(4));
    const std::string bytes = words(40);
    const Outcome want = expected(bytes, stops);
    EXPECT_EQ(stream_in_pieces(bytes, stops, [] { return 1; }), want);
    EXPECT_EQ(stream_in_pieces(bytes, stops, [&] { return pick(7) + 1; }), want);
    EXPECT_EQ(stream_in_pieces(bytes, stops, [&] { return bytes.size(); }), want);
    if (HasFailure()) FAIL() << testing::PrintToString(bytes) << testing::PrintToString(stops);
  }
}

}  // namespace
}  // namespace pensieve::engine
