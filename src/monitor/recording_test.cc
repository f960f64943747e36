#include "monitor/recording.h"

#include <gtest/gtest.h>

namespace pensieve::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Recording, ALineHoldsUntilTheNext) {
  const auto recording = Recording::parse(
      "# recorded on a laptop\n"
      "{\"t\": 100, \"memory_total\": 16000000000, \"memory_available\": 8000000000, \"temperature\": 50, \"pressure\": \"warning\"}\r\n"
      "\n"
      "{\"t\": 102.5, \"memory_percent\": 90, \"tokens_per_second\": 7, \"swapped_pages\": 12}\n");
  ASSERT_TRUE(recording) << recording.error().text();
  EXPECT_EQ(recording->at(seconds(-1)).temperature->value, 50);
  EXPECT_EQ(recording->at(milliseconds(2499)).memory_available, gigabytes(8));
  EXPECT_EQ(recording->at(seconds(0)).pressure, 1);
  const Sample& last = recording->at(seconds(1000));
  EXPECT_EQ(last.memory_available, Bytes{1'600'000'000});
  EXPECT_EQ(last.memory_total, gigabytes(16)) << "holds on";
  EXPECT_FALSE(last.temperature) << "not told: unknown";
  EXPECT_EQ(last.speed->value, 7);
  EXPECT_EQ(recording->length(), milliseconds(2500));
}

TEST(Recording, SaysWhichLineIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no reading"},
      {"{\"t\":0}\nnonsense", "line 2"},
      {"{\"memory_percent\":50}", "t, the time"},
      {"{\"t\":5}\n{\"t\":4}", "falls from 5 to 4"},
      {"{\"t\":0,\"memory_percent\":101}", "from 0 to 100"},
      {"{\"t\":0,\"pressure\":\"high\"}", "normal, warning or critical"},
      {"{\"t\":0,\"memory_total\":0}", "over 0"},
      {"{\"t\":0,\"memory_persent\":5}", "line 1"},
  };
  for (const auto& [text, reason] : cases) {
    const auto recording = Recording::parse(text);
    ASSERT_FALSE(recording) << text;
    EXPECT_NE(recording.error().message.find(reason), std::string::npos) << recording.error().message;
    EXPECT_FALSE(recording.error().advice.empty());
  }
}

TEST(Recording, WhatIsRecordedCanBeReplayed) {
  Sample sample{
      .memory_total = gigabytes(16), .memory_available = gigabytes(5), .swapped_pages = 77, .pressure = 2, .temperature = Celsius{66.5}};
  const auto recording = Recording::parse(recording_line(milliseconds(1500), sample));
  ASSERT_TRUE(recording) << recording.error().text();
  const Sample& back = recording->at(seconds(0));
  EXPECT_EQ(back.memory_available, sample.memory_available);
  EXPECT_EQ(back.swapped_pages, 77);
  EXPECT_EQ(back.pressure, 2);
  EXPECT_EQ(back.temperature, sample.temperature);
  EXPECT_FALSE(back.speed);
}

}  // namespace
}  // namespace pensieve::monitor
