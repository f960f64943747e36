#include <algorithm>
#include <format>

#include "sim/report.h"

namespace pensieve::sim {
namespace {

constexpr double kWidth = 900;
constexpr double kHeight = 110;
constexpr double kLeft = 60;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  }
  return out;
}

// One curve as points of an SVG polyline; with `fill`, closed down to the axis.
template <typename Value>
std::string curve(const std::vector<Moment>& moments, double minutes, double top, std::string_view colour, bool fill, Value value) {
  std::string points;
  const auto x = [&](double minute) { return kLeft + kWidth * minute / minutes; };
  for (const Moment& moment : moments) {
    points += std::format("{:.1f},{:.1f} ", x(moment.minute), kHeight * (1 - std::clamp(value(moment) / top, 0.0, 1.0)));
  }
  if (!fill) return std::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n", points, colour);
  const double last = moments.empty() ? kLeft : x(moments.back().minute);
  return std::format("<polygon points=\"{:.1f},{:.1f} {}{:.1f},{:.1f}\" fill=\"{}\"/>\n", kLeft, kHeight, points, last, kHeight, colour);
}

std::string frame(std::string_view title, double top, std::string_view unit, const std::string& content) {
  return std::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n<text x=\"0\" y=\"10\">{:.0f} {}</text><text x=\"0\" "
      "y=\"{:.0f}\">0</text>\n{}"
      "<line x1=\"{:.0f}\" y1=\"{:.0f}\" x2=\"{:.0f}\" y2=\"{:.0f}\" stroke=\"#888\"/>\n</svg>\n",
      kLeft + kWidth + 10, kHeight + 6, title, top, unit, kHeight, content, kLeft, kHeight, kLeft + kWidth, kHeight);
}

std::string marks(const std::vector<Note>& notes, double minutes) {
  std::string out;
  for (const Note& note : notes) {
    const bool change = note.kind == "downgrade" || note.kind == "upgrade";
    if (!change && note.kind != "level" && note.kind != "refusal") continue;
    const double x = kLeft + kWidth * note.at / 60 / minutes;
    out += std::format("<line x1=\"{:.1f}\" y1=\"0\" x2=\"{:.1f}\" y2=\"{:.0f}\" stroke=\"{}\"><title>{:.1f} min, {}: {}</title></line>\n",
                       x, x, kHeight,
                       note.kind == "upgrade" ? "#2a2"
                       : note.kind == "level" ? "#aaa"
                                              : "#c22",
                       note.at / 60, note.kind, escaped(note.text));
  }
  return out;
}

std::string plots(const Scenario& scenario, const MachineProfile& machine, const Outcome& outcome) {
  const double total = static_cast<double>(machine.memory.value) / 1e9;
  const auto& moments = outcome.moments;
  const std::string marked = marks(outcome.notes, scenario.minutes);
  const std::string memory =
      curve(moments, scenario.minutes, total, "#9bd", true, [](const Moment& m) { return m.others_gb + m.models_gb; }) +
      curve(moments, scenario.minutes, total, "#ccc", true, [](const Moment& m) { return m.others_gb; }) +
      curve(moments, scenario.minutes, total, "#c22", false, [](const Moment& m) { return m.swapped_gb; });
  return std::format(
      "<h2>{}</h2>\n<p>Memory: other programs grey, models blue, in swap red.</p>\n{}<p>Temperature.</p>\n{}<p>Speed of answers.</p>\n{}",
      outcome.summary.policy, frame("memory", total, "GB", memory + marked),
      frame("temperature", 110, "C",
            curve(moments, scenario.minutes, 110, "#d70", false, [](const Moment& m) { return m.temperature; }) + marked),
      frame("speed", 50, "tok/s", curve(moments, scenario.minutes, 50, "#06c", false, [](const Moment& m) { return m.speed; })));
}

std::string table(const std::vector<Outcome>& outcomes) {
  std::string rows;
  for (const Outcome& outcome : outcomes) {
    const Summary& s = outcome.summary;
    const double refused = 100.0 * static_cast<double>(s.refused) / static_cast<double>(std::max<std::int64_t>(1, s.requests));
    rows += std::format(
        "<tr><td>{}</td><td>{:.1f}</td><td>{:.0f}</td><td>{:.0f}</td><td>{:.0f}</td><td>{:.0f}</td><td>{:.0f}</td><td>{:.0f}</td><td>{}</"
        "td>"
        "<td>{}</td><td>{:.0f}</td><td>{:.0f}</td></tr>\n",
        s.policy, 100 * s.quality_at_good, 100 * s.seamless, 100 * s.good, 100 * s.acceptable, 100 * s.frustrating, 100 * s.unusable,
        refused, s.loads, s.changes, s.swap_seconds, s.worst_latency_s);
  }
  return "<table><tr><th>policy</th><th>quality at good, %</th><th>seamless, %</th><th>good, %</th><th>acceptable, %</th><th>frustrating, "
         "%</th>"
         "<th>unusable, %</th><th>refused, %</th><th>loads</th><th>changes</th><th>swap, s</th><th>worst latency, s</th></tr>\n" +
         rows + "</table>\n";
}

}  // namespace

std::string report_html(const Scenario& scenario, const MachineProfile& machine, std::uint64_t seed, const std::vector<Outcome>& outcomes) {
  std::string body;
  for (const Outcome& outcome : outcomes) body += plots(scenario, machine, outcome);
  return std::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n<style>body{{font:14px "
      "sans-serif;max-width:60em;"
      "margin:2em auto}}svg{{width:100%}}svg text{{font-size:10px}}table{{border-collapse:collapse}}td,th{{border:1px solid #ccc;"
      "padding:2px 8px;text-align:right}}</style></head>\n<body><h1>{0}</h1>\n<p>{1}, seed {2}, {3} requests.</p>\n{4}{5}</body></html>\n",
      escaped(scenario.title.empty() ? scenario.name : scenario.title), escaped(machine.title), seed, scenario.requests(), table(outcomes),
      body);
}

}  // namespace pensieve::sim
