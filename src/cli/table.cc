#include "cli/table.h"

#include <algorithm>
#include <ftxui/dom/elements.hpp>
#include <ftxui/dom/table.hpp>
#include <ftxui/screen/screen.hpp>
#include <ftxui/screen/string.hpp>
#include <utility>

#include "cli/plain_text.h"

namespace pensieve::cli {
namespace {

constexpr int kGap = 2;
constexpr int kNarrowest = 8;  // a flexible column is not cut below this

using Rows = std::vector<std::vector<std::string>>;

// The longest beginning of `text` that is `width` columns wide with its mark of the cut.
std::string cut(const std::string& text, int width) {
  if (ftxui::string_width(text) <= width) return text;
  std::string kept;
  for (const std::string& glyph : ftxui::Utf8ToGlyphs(text)) {
    if (ftxui::string_width(kept + glyph) > width - 1) break;
    kept += glyph;
  }
  return kept + "…";
}

std::vector<int> natural_widths(const Rows& rows, std::size_t columns) {
  std::vector<int> widths(columns, 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], ftxui::string_width(row[i]));
  }
  return widths;
}

int total(const std::vector<int>& widths) {
  int sum = -kGap;
  for (const int width : widths) sum += width + kGap;
  return std::max(sum, 1);
}

void fit(const std::vector<Column>& columns, Rows& rows, std::vector<int>& widths, int room) {
  for (std::size_t i = columns.size(); i-- > 0;) {
    const int excess = total(widths) - room;
    if (excess <= 0) return;
    if (!columns[i].flexible) continue;
    widths[i] = std::max(std::min(kNarrowest, widths[i]), widths[i] - excess);
    for (auto& row : rows) row[i] = cut(row[i], widths[i]);
  }
}

ftxui::Element cell(const std::string& text, int width, bool right, bool last) {
  const int filling = width - ftxui::string_width(text);
  const std::string pad(static_cast<std::size_t>(filling), ' ');
  return ftxui::text((right ? pad + text : text + pad) + std::string(last ? 0 : kGap, ' '));
}

// FTXUI ends lines with "\r\n" and fills them with spaces.
std::string plain_lines(const std::string& screen) {
  std::string out;
  for (std::size_t begin = 0; begin < screen.size();) {
    const std::size_t end = std::min(screen.find('\n', begin), screen.size());
    std::string line = screen.substr(begin, end - begin);
    std::erase(line, '\r');
    std::erase(line, '\0');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    begin = end + 1;
  }
  return out;
}

std::string render(const std::vector<Column>& columns, Rows rows, bool titles, TableStyle style) {
  for (auto& row : rows) std::ranges::transform(row, row.begin(), [](const std::string& cell) { return plain_text(cell, false); });
  if (rows.empty()) return "";
  std::vector<int> widths = natural_widths(rows, columns.size());
  if (style.width > 0) fit(columns, rows, widths, style.width);
  std::vector<std::vector<ftxui::Element>> cells;
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) line.push_back(cell(row[i], widths[i], columns[i].right, i + 1 == columns.size()));
  }
  ftxui::Table table(std::move(cells));
  if (titles && style.colour) table.SelectRow(0).Decorate(ftxui::bold);
  ftxui::Screen screen(total(widths), static_cast<int>(rows.size()));
  ftxui::Render(screen, table.Render());
  return plain_lines(screen.ToString());
}

}  // namespace

std::string render_table(const std::vector<Column>& columns, const Rows& rows, TableStyle style) {
  Rows all(1);
  for (const Column& column : columns) all.front().push_back(column.title);
  std::ranges::copy(rows, std::back_inserter(all));
  return render(columns, std::move(all), true, style);
}

std::string render_facts(const std::vector<std::pair<std::string, std::string>>& facts, TableStyle style) {
  Rows rows;
  for (const auto& [name, value] : facts) rows.push_back({name, value});
  return render({{"", false, false}, {"", false, true}}, std::move(rows), false, style);
}

}  // namespace pensieve::cli
