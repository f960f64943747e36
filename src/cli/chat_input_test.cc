#include "cli/chat_input.h"

#include <gtest/gtest.h>

namespace pensieve::cli {
namespace {

// The messages that the lines make, joined by '|'; an unfinished rest after '~'.
std::string messages(const std::vector<std::string>& lines) {
  MessageReader reader;
  std::string out;
  for (const std::string& line : lines) {
    if (const auto message = reader.push(line)) out += *message + "|";
  }
  return reader.open() ? out + "~" + reader.take_rest() : out;
}

TEST(MessageReader, EachLineIsAMessage) { EXPECT_EQ(messages({"one", "two\r", ""}), "one|two||"); }

TEST(MessageReader, ATrailingBackslashGoesOnInTheNextLine) {
  EXPECT_EQ(messages({"one\\", "two\\", "three", "four"}), "one\ntwo\nthree|four|");
}

TEST(MessageReader, ACodeBlockKeepsItsMarksAndItsIndentation) {
  EXPECT_EQ(messages({"```cpp", "  int a;\\", "", "```", "next"}), "```cpp\n  int a;\\\n\n```|next|");
  EXPECT_EQ(messages({"Why?\\", "```", "x", "```"}), "Why?\n```\nx\n```|");
  EXPECT_EQ(messages({"use ```x``` here"}), "use ```x``` here|");
}

TEST(MessageReader, AQuotedBlockLosesItsMarks) {
  EXPECT_EQ(messages({"\"\"\"", "one", "", "two", "\"\"\""}), "one\n\ntwo|");
  EXPECT_EQ(messages({"\"\"\"one", "two\"\"\""}), "one\ntwo|");
  EXPECT_EQ(messages({"\"\"\"one\"\"\""}), "one|");
}

TEST(MessageReader, WhatIsUnfinishedAtTheEndIsNotLost) { EXPECT_EQ(messages({"a", "\"\"\"", "half"}), "a|~half"); }

ChatCommand parsed(std::string_view text) { return parse_chat_command(text).value().value(); }

TEST(ChatCommand, TakesItsArgumentAsAWhole) {
  EXPECT_EQ(parsed("/model  auto:fast ").kind, ChatCommand::Kind::kModel);
  EXPECT_EQ(parsed("/model  auto:fast ").argument, "auto:fast");
  EXPECT_EQ(parsed("/system Be brief.\nAlways.").argument, "Be brief.\nAlways.");
  EXPECT_EQ(parsed("/quit").kind, ChatCommand::Kind::kExit);
}

TEST(ChatCommand, PathsAndOrdinaryTextAreNoCommands) {
  for (const char* text : {"hello", "/usr/bin/env is what?", "/", "a /help", " /help"}) EXPECT_FALSE(parse_chat_command(text)) << text;
}

TEST(ChatCommand, AWrongOneNamesTheNearest) {
  const auto wrong = parse_chat_command("/modle x");
  ASSERT_TRUE(wrong && !*wrong);
  EXPECT_NE(wrong->error().advice.find("/model"), std::string::npos);
  EXPECT_FALSE(parse_chat_command("/save").value());
}

TEST(ChatCommand, HelpNamesEveryCommand) {
  for (const char* name : {"/model", "/system", "/clear", "/regenerate", "/save", "/exit"}) {
    EXPECT_NE(chat_help().find(name), std::string_view::npos) << name;
  }
}

}  // namespace
}  // namespace pensieve::cli
