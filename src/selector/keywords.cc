#include "selector/keywords.h"

#include <algorithm>
#include <array>
#include <vector>

namespace pensieve::selector {
namespace {

struct Group {
  WordGroup group;
  std::string_view words;  // separated by spaces, lower case
};

using enum WordGroup;
constexpr std::array kGroups = {
    Group{kWho, "who whose whom wer qui quién quien кто"},
    Group{kWhen, "when wann quand cuándo cuando когда"},
    Group{kWhere, "where wo où dónde где"},
    Group{kWhat, "what whats was quel quelle qué cuál что"},
    Group{kWhich, "which welche welcher welches"},
    Group{kHow, "how wie comment cómo como как"},
    Group{kWhy, "why warum wieso pourquoi porqué почему"},
    Group{kYesNo, "is are was were does do did can could will would should has have am ist sind est es"},
    Group{kProduce,
          "write create make generate draft compose give list suggest recommend plan provide produce name schreibe schreib "
          "rédige écris escribe crea напиши erstelle"},
    Group{kExplain,
          "explain describe summarise summarize outline overview define tell erkläre explique explica explícalo expliquez объясни"},
    Group{kCompare, "compare analyse analyze discuss evaluate assess weigh critique contrast differentiate argue interpret vergleiche"},
    Group{kProve,
          "prove proof derive derivation show demonstrate theorem lemma rigorous rigorously induction beweise montrer démontrer demuestra"},
    Group{kSolve, "solve find compute calculate determine evaluate simplify integrate differentiate factor count estimate"},
    Group{kBuild,
          "design implement build refactor architect migrate optimise optimize develop port rewrite entwirf conçois diseña "
          "implementation architecture algorithm"},
    Group{kSmallEdit,
          "translate fix correct rename convert shorten classify extract spell rephrase capitalise capitalize typo bump "
          "synonym plural traduis übersetze traduce"},
    Group{kDebug,
          "error exception traceback fails failing failed crash crashes bug debug broken leak deadlock race undefined timeout flaky"},
    Group{kReasoning,
          "reason reasoning carefully justify tradeoffs trade offs why implications assumptions consequences hypotheses "
          "evidence counterarguments constraints rationale think"},
    Group{kConstraint,
          "must should without exactly least most only every each including ensure handle handling require required "
          "constraint unless within keep strictly both"},
    Group{kSequence, "first second third then next finally after before step steps phase phases"},
    Group{kNegation, "not except never none incorrect false isn don doesn can't cannot"},
    Group{kCode,
          "code python java javascript typescript rust golang sql html css bash shell function class method variable array string "
          "loop def return import assert const let var int void public static struct api json regex git docker react node npm "
          "database query script compile compiler server endpoint thread test tests unit file repo repository commit branch"},
    Group{kMath,
          "integral derivative equation polynomial matrix vector probability prime integer integers real function sum product "
          "triangle angle radius area fraction percent ratio mean variance eigenvalue group ring field topology modulo graph"},
    Group{kProse,
          "poem haiku story essay letter email speech song lyrics blog post article paragraph dialogue novel limerick script "
          "sonnet scene chapter toast advert bio caption gedicht poema poème"},
    Group{kScale,
          "distributed production concurrent concurrency scalable scale throughput latency high availability failover consistency "
          "security comprehensive detailed complete enterprise migration multi tenant real time million thousands"},
    Group{kAnaphora, "it that this same again also instead too continue more other above previous earlier them those these"},
    Group{kCourtesy,
          "hi hello hey hiya thanks thank please cheers bye goodbye ok okay yes no sure great perfect nice cool hola bonjour "
          "danke merci gracias morning evening"},
};

struct Entry {
  std::uint32_t hash;
  WordGroup group;
};

// Sorted by hash; a word listed twice keeps its first group.
std::vector<Entry> make_table() {
  std::vector<Entry> table;
  for (const Group& group : kGroups) {
    std::string_view rest = group.words;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) table.push_back({hash_word(rest.substr(0, end)), group.group});
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::ranges::stable_sort(table, {}, &Entry::hash);
  const auto repeated = std::ranges::unique(table, {}, &Entry::hash);
  table.erase(repeated.begin(), repeated.end());
  return table;
}

}  // namespace

WordGroup group_of(std::uint32_t word_hash) {
  static const std::vector<Entry> table = make_table();
  const auto found = std::ranges::lower_bound(table, word_hash, {}, &Entry::hash);
  return found != table.end() && found->hash == word_hash ? found->group : kNone;
}

}  // namespace pensieve::selector
