// Tables for people, laid out by FTXUI.
#pragma once

#include <string>
#include <vector>

namespace pensieve::cli {

struct Column {
  std::string title;
  bool right = false;     // numbers
  bool flexible = false;  // gives way when the terminal is narrow: its text is cut, marked with "…"
};

// How wide and how plain the output may be.
struct TableStyle {
  int width = 0;        // columns of the terminal; 0: not a terminal, nothing is cut
  bool colour = false;  // titles in bold
};

// The rows under their titles, columns two spaces apart, each line ended by '\n' and without
// trailing spaces. Control characters in cells are shown as '?', so that a file's text can't
// command the terminal. Each row has one cell a column.
std::string render_table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows, TableStyle style);

// "name   value" lines: a table of two columns without titles.
std::string render_facts(const std::vector<std::pair<std::string, std::string>>& facts, TableStyle style);

}  // namespace pensieve::cli
