#include "grammar/gbnf_check.h"

#include <algorithm>
#include <deque>
#include <format>
#include <vector>

#include "grammar/gbnf_parser.h"

namespace pensieve::grammar {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20U;
constexpr std::uint64_t kNever = std::uint64_t{1} << 40U;
constexpr int kDeepestLeft = 2000;
constexpr int kRecursionLevels = 4;

class Analysis {
 public:
  explicit Analysis(const Gbnf& gbnf) : gbnf_(gbnf), shortest_(gbnf.rules.size(), kNever), to_end_(gbnf.rules.size(), 0) {}

  Result<GrammarFacts> run() {
    find_shortest();
    if (shortest_[gbnf_.root] >= kNever) return fail(ErrorCode::kInvalidArgument, "grammar: no finite text matches it");
    TRY_VOID(find_left_recursion());
    for (int level = 0; level < kRecursionLevels; ++level) {
      for (std::size_t i = gbnf_.rules.size(); i-- > 0;) to_end_[i] = worst_end(gbnf_.rules[i]);
    }
    return GrammarFacts{shortest_[gbnf_.root], std::max(to_end_[gbnf_.root], shortest_[gbnf_.root])};
  }

 private:
  [[nodiscard]] std::uint64_t shortest(const GbnfItem& item) const {
    const std::uint64_t one = item.kind == GbnfItem::Kind::kBytes ? item.bytes : shortest_[item.rule];
    return item.least == 0 ? 0 : std::min(kNever, one * item.least);
  }

  [[nodiscard]] std::uint64_t shortest(const GbnfRule& rule) const {
    std::uint64_t best = kNever;
    for (const GbnfSequence& option : rule.options) {
      std::uint64_t sum = 0;
      for (const GbnfItem& item : option) sum = std::min(kNever, sum + shortest(item));
      best = std::min(best, sum);
    }
    return best;
  }

  // To the fixed point: a rule is looked at again when one that it uses has become shorter.
  void find_shortest() {
    std::vector<std::vector<std::size_t>> users(gbnf_.rules.size());
    std::deque<std::size_t> open;
    for (std::size_t i = 0; i < gbnf_.rules.size(); ++i) {
      open.push_back(i);
      for (const GbnfSequence& option : gbnf_.rules[i].options) {
        for (const GbnfItem& item : option) {
          if (item.kind == GbnfItem::Kind::kRule) users[item.rule].push_back(i);
        }
      }
    }
    std::size_t looks = 100 * gbnf_.rules.size() + 1000;  // past it figures are upper bounds
    while (!open.empty() && looks-- > 0) {
      const std::size_t rule = open.front();
      open.pop_front();
      const std::uint64_t now = shortest(gbnf_.rules[rule]);
      if (now >= shortest_[rule]) continue;
      shortest_[rule] = now;
      for (const std::size_t user : users[rule]) open.push_back(user);
    }
  }

  [[nodiscard]] std::uint64_t worst_end(const GbnfRule& rule) const {
    std::uint64_t worst = 0;
    for (const GbnfSequence& option : rule.options) {
      std::uint64_t behind = 0;  // what follows the item
      for (auto item = option.rbegin(); item != option.rend(); ++item) {
        const std::uint64_t inside = item->kind == GbnfItem::Kind::kBytes ? item->bytes : to_end_[item->rule];
        const std::uint64_t further = item->least > 1 ? shortest(*item) / item->least * (item->least - 1) : 0;
        worst = std::max(worst, std::min(kNever, inside + further + behind));
        behind = std::min(kNever, behind + shortest(*item));
      }
    }
    return worst;
  }

  enum class Mark : std::uint8_t { kNew, kOpen, kDone };

  Result<void> find_left_recursion() {
    std::vector<Mark> marks(gbnf_.rules.size(), Mark::kNew);
    for (std::size_t i = 0; i < gbnf_.rules.size(); ++i) TRY_VOID(visit(i, marks, 0));
    return {};
  }

  // Follows what may stand first in a rule.
  Result<void> visit(std::size_t index, std::vector<Mark>& marks, int depth) const {
    if (marks[index] == Mark::kDone) return {};
    if (marks[index] == Mark::kOpen) {
      return fail(ErrorCode::kInvalidArgument, std::format("grammar: rule '{}' begins with itself", gbnf_.rules[index].name));
    }
    if (depth > kDeepestLeft) return fail(ErrorCode::kUnsupported, "grammar: too many rules begin with each other", "use a smaller one");
    marks[index] = Mark::kOpen;
    for (const GbnfSequence& option : gbnf_.rules[index].options) {
      for (const GbnfItem& item : option) {
        if (item.most == 0) continue;
        if (item.kind == GbnfItem::Kind::kRule) TRY_VOID(visit(item.rule, marks, depth + 1));
        if (shortest(item) > 0) break;
      }
    }
    marks[index] = Mark::kDone;
    return {};
  }

  const Gbnf& gbnf_;
  std::vector<std::uint64_t> shortest_;
  std::vector<std::uint64_t> to_end_;
};

}  // namespace

Result<GrammarFacts> check_grammar(std::string_view text, const std::string& param) {
  const auto at_field = [&](Error error) {
    error.param = param;
    return std::unexpected(std::move(error));
  };
  if (text.size() > kMostBytes) return at_field({ErrorCode::kUnsupported, "grammar: it is too large", "use a smaller one", {}});
  const Result<Gbnf> gbnf = parse_gbnf(text);
  if (!gbnf) return at_field(gbnf.error());
  auto facts = Analysis(*gbnf).run();
  if (!facts) return at_field(facts.error());
  return facts;
}

}  // namespace pensieve::grammar
