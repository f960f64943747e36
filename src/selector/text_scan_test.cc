#include "selector/text_scan.h"

#include <gtest/gtest.h>

#include <string>

namespace pensieve::selector {
namespace {

std::vector<std::uint32_t> hashes(std::string_view text) {
  TextScan scan;
  scan_text(text, scan);
  std::vector<std::uint32_t> result;
  for (const Word& word : scan.words) result.push_back(word.hash);
  return result;
}

TEST(TextScan, HarmlessEditsChangeNothing) {
  const std::string text = "Explain how a heat pump works, step by step.";
  for (const std::string_view edited :
       {"EXPLAIN HOW A HEAT PUMP WORKS, STEP BY STEP.", "explain how a heat pump works, step by step",
        "  Explain how a heat pump\tworks,  step by step!!! ", "Hi! Explain how a heat pump works, step by step.",
        "Hello there, could you please explain how a heat pump works, step by step?",
        "Explain how a heat pump works, step by step. Thanks!",
        "Explain how a heat pump works, step by step. Thank you so much in advance."}) {
    EXPECT_EQ(hashes(edited), hashes(text)) << edited;
  }
}

TEST(TextScan, FoldsTheCaseOfOtherAlphabets) {
  EXPECT_EQ(hashes("ÜBERSETZE ÄPFEL"), hashes("übersetze äpfel"));
  EXPECT_EQ(hashes("НАПИШИ СТИХ"), hashes("напиши стих"));
  EXPECT_EQ(hashes("ΑΘΗΝΑ"), hashes("αθηνα"));
}

TEST(TextScan, KeepsAMessageOfNothingButCourtesy) {
  EXPECT_EQ(hashes("Hello!").size(), 1U);
  EXPECT_EQ(hashes("thank you so much").size(), 4U);
}

TEST(TextScan, SplitsScriptsWithoutSpaces) { EXPECT_EQ(hashes("日本の首都").size(), 3U); }

TEST(TextScan, NumbersCountByLength) {
  EXPECT_EQ(hashes("add 17 and 25"), hashes("add 42 and 99"));
  EXPECT_NE(hashes("add 1 and 2"), hashes("add 100 and 200"));
}

TEST(TextScan, FindsListedOptions) {
  TextScan scan;
  scan_text("Which is a metal?\nA. wood\nB. iron\nC. glass\nD. wool", scan);
  EXPECT_EQ(scan.options, 4);
  EXPECT_EQ(scan.body_words, 4);
  scan_text("which is a metal? (a) wood (b) iron", scan);
  EXPECT_EQ(scan.options, 2);
  scan_text("This is a test. B is next.", scan);
  EXPECT_EQ(scan.options, 0);
}

TEST(TextScan, CountsMarksOfCodeAndFormulas) {
  TextScan scan;
  scan_text("int main() { return a[0] == 1; }", scan);
  EXPECT_GE(scan.code_marks, 6);
  scan_text("Find $\\frac{1}{2}$ of x^2", scan);
  EXPECT_GE(scan.formula_marks, 4);
}

TEST(TextScan, AcceptsAnyBytesWithinItsLimit) {
  std::string bytes;
  for (int i = 0; i < 100000; ++i) bytes += static_cast<char>(i * 31 + i / 7);
  TextScan scan;
  scan_text(bytes, scan);
  EXPECT_LE(scan.words.size(), kScanLimit);
  scan_text("\xC3", scan);
  scan_text("\xE6\x97", scan);
  scan_text("", scan);
  EXPECT_TRUE(scan.words.empty());
}

}  // namespace
}  // namespace pensieve::selector
