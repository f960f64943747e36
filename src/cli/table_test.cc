#include "cli/table.h"

#include <gtest/gtest.h>

namespace pensieve::cli {
namespace {

const std::vector<Column> kColumns = {{"model", false, false}, {"size", true, false}, {"why", false, true}};

TEST(Table, AlignsColumnsAndIsPlainTextOffATerminal) {
  EXPECT_EQ(render_table(kColumns, {{"a", "98.4 MB", "ready"}, {"longer", "1 B", ""}}, {}),
            "model      size  why\n"
            "a       98.4 MB  ready\n"
            "longer      1 B\n");
}

TEST(Table, ANarrowTerminalCutsTheFlexibleColumnOnly) {
  const std::string table = render_table(kColumns, {{"a", "1 B", "a reason that is too long"}}, {.width = 24});
  EXPECT_EQ(table,
            "model  size  why\n"
            "a       1 B  a reason t…\n");
}

TEST(Table, WideCharactersTakeTheirPlaces) {
  EXPECT_EQ(render_table({{"x"}, {"y"}}, {{"模型", "1"}, {"é", "2"}}, {}), "x     y\n模型  1\né     2\n");
}

TEST(Table, TextOfAFileCantCommandTheTerminal) {
  EXPECT_EQ(render_table({{"x"}}, {{"\x1b[2Jnice\nname\xC2\x9Bm\xff"}}, {}), "x\n?[2Jnice?name?m\xEF\xBF\xBD\n");
}

TEST(Table, OnlyTitlesAreBoldAndOnlyWithColour) {
  const std::string table = render_table({{"x"}}, {{"1"}}, {.width = 80, .colour = true});
  EXPECT_NE(table.find("\x1b[1mx"), std::string::npos);
  EXPECT_EQ(table.find('\x1b', table.find('\n') + 1), std::string::npos) << table;
}

TEST(Table, FactsHaveNoTitles) {
  EXPECT_EQ(render_facts({{"model", "a"}, {"context", "8192"}}, {}), "model    a\ncontext  8192\n");
  EXPECT_EQ(render_facts({}, {}), "");
}

}  // namespace
}  // namespace pensieve::cli
