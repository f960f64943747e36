#include "grammar/regex.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "grammar/json_characters.h"
#include "grammar/regex_parser.h"

namespace pensieve::grammar {
namespace {

constexpr std::uint64_t kRoam = 32;  // characters before or after a pattern without anchor
constexpr std::uint64_t kLongest = 1'000'000;

std::optional<std::uint64_t> times(std::optional<std::uint64_t> length, std::optional<std::uint64_t> count) {
  if (length == 0 || count == 0) return 0;
  if (!length || !count || *length > kLongest || *count > kLongest) return std::nullopt;
  return *length * *count;
}

std::optional<std::uint64_t> plus(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  if (!a || !b || *a > kLongest || *b > kLongest) return std::nullopt;
  return *a + *b;
}

Pattern emit(Rules& rules, const RegexNode& node);

Pattern emit_sequence(Rules& rules, const RegexNode& node) {
  Pattern whole{"", 0, 0};
  for (const RegexNode& child : node.children) {
    const Pattern part = emit(rules, child);
    whole.symbol += (whole.symbol.empty() ? "" : " ") + part.symbol;
    whole.shortest += part.shortest;
    whole.longest = plus(whole.longest, part.longest);
  }
  if (whole.symbol.empty()) whole.symbol = "\"\"";
  whole.symbol = rules.add("re", whole.symbol);
  return whole;
}

Pattern emit_alternatives(Rules& rules, const RegexNode& node) {
  Pattern whole = emit(rules, node.children.front());
  for (const RegexNode& child : std::vector(node.children.begin() + 1, node.children.end())) {
    const Pattern part = emit(rules, child);
    whole.symbol += " | " + part.symbol;
    whole.shortest = std::min(whole.shortest, part.shortest);
    whole.longest = whole.longest && part.longest ? std::optional(std::max(*whole.longest, *part.longest)) : std::nullopt;
  }
  whole.symbol = rules.add("re", whole.symbol);
  return whole;
}

Pattern emit(Rules& rules, const RegexNode& node) {
  switch (node.kind) {
    case RegexNode::Kind::kCharacters:
      return {rules.add("char", json_character(node.characters)), 1, 1};
    case RegexNode::Kind::kSequence:
      return emit_sequence(rules, node);
    case RegexNode::Kind::kAlternatives:
      return emit_alternatives(rules, node);
    case RegexNode::Kind::kRepeat:
      break;
  }
  const Pattern item = emit(rules, node.children.front());
  return {rules.add("re", repeat(rules, item.symbol, node.least, node.most)), times(item.shortest, node.least).value_or(kLongest),
          times(item.longest, node.most)};
}

// What stands where an expression has no anchor.
RegexNode roam() {
  RegexNode any{.kind = RegexNode::Kind::kCharacters, .characters = CodeSet().complement()};
  return {.kind = RegexNode::Kind::kRepeat, .children = {std::move(any)}, .least = 0, .most = kRoam};
}

bool is_run(const RegexNode& node) {
  return node.kind == RegexNode::Kind::kRepeat && node.children.front().kind == RegexNode::Kind::kCharacters && node.most != node.least;
}

// Narrows the runs of single characters in a sequence so that the whole keeps within the bounds: the
// first run takes what is missing, and they share what is left evenly.
void fit_lengths(RegexNode& sequence, const LengthBounds& bounds) {
  Rules scratch;
  std::uint64_t fixed = 0;  // at least, with every run at its shortest
  std::uint64_t other = 0;  // that parts which are no run may add
  std::vector<RegexNode*> runs;
  for (RegexNode& child : sequence.children) {
    const Pattern part = emit(scratch, child);
    fixed += part.shortest;
    if (is_run(child)) {
      runs.push_back(&child);
    } else {
      other += part.longest.value_or(kLongest) - part.shortest;
    }
  }
  if (runs.empty()) return;
  if (bounds.least > fixed) {
    RegexNode& longest = **std::ranges::max_element(runs, {}, [](const RegexNode* run) { return run->most.value_or(kLongest) - run->least; });
    const std::uint64_t added = std::min(bounds.least - fixed, longest.most.value_or(kLongest) - longest.least);
    longest.least += added;
    fixed += added;
  }
  if (!bounds.most || *bounds.most < fixed + other) return;
  std::uint64_t left = *bounds.most - fixed - other;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::uint64_t part = left / (runs.size() - i);
    const std::uint64_t most = std::min(runs[i]->most.value_or(kLongest), runs[i]->least + part);
    left -= most - runs[i]->least;
    runs[i]->most = most;
  }
}

}  // namespace

Result<Pattern> compile_pattern(Rules& rules, std::string_view pattern, const LengthBounds& bounds) {
  ParsedRegex parsed = TRY(parse_regex(pattern));
  RegexNode whole{.kind = RegexNode::Kind::kSequence};
  if (!parsed.from_start) whole.children.push_back(roam());
  if (parsed.root.kind == RegexNode::Kind::kSequence) {
    std::ranges::move(parsed.root.children, std::back_inserter(whole.children));
  } else {
    whole.children.push_back(std::move(parsed.root));
  }
  if (!parsed.to_end) whole.children.push_back(roam());
  fit_lengths(whole, bounds);
  return emit(rules, whole);
}

std::string string_characters(Rules& rules, std::uint64_t least, std::optional<std::uint64_t> most) {
  if (most == 0) return "\"\"";
  const std::string item = rules.add("char", any_json_character());
  return rules.add("chars", repeat(rules, item, least, most));
}

}  // namespace pensieve::grammar
