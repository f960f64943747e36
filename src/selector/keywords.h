// Groups of words that say something about a task whatever its topic. One table; a fit learns what
// each group is worth.
#pragma once

#include <cstdint>
#include <string_view>

namespace pensieve::selector {

// Hash of a word in lower case (FNV-1a); the same for features and for keyword tables.
constexpr std::uint32_t kHashSeed = 2166136261U;
constexpr std::uint32_t hash_byte(std::uint32_t hash, unsigned char byte) { return (hash ^ byte) * 16777619U; }
constexpr std::uint32_t hash_word(std::string_view word) {
  std::uint32_t hash = kHashSeed;
  for (const char c : word) hash = hash_byte(hash, static_cast<unsigned char>(c));
  return hash;
}

enum class WordGroup : std::uint8_t {
  kNone,
  kWho,   // who, whose, whom
  kWhen,  // when, what year
  kWhere,
  kWhat,
  kWhich,
  kHow,
  kWhy,
  kYesNo,       // is, are, does, can
  kProduce,     // write, create, make
  kExplain,     // explain, describe, summarise
  kCompare,     // compare, analyse, discuss, evaluate
  kProve,       // prove, derive, show that
  kSolve,       // solve, find, compute
  kBuild,       // design, implement, refactor
  kSmallEdit,   // translate, fix, rename, convert
  kDebug,       // why does it fail: error, bug, crash
  kReasoning,   // step by step, justify, trade-offs
  kConstraint,  // must, without, at least, exactly
  kSequence,    // first, then, finally
  kNegation,    // not, except
  kCode,        // words of programs and of talk about programs
  kMath,
  kProse,     // poem, letter, essay
  kScale,     // production, distributed, comprehensive
  kAnaphora,  // it, same, again: refers to what was said before
  kCourtesy,  // hello, thanks, please
  kCount,
};

// The group of a word given by its hash; kNone if it is in no group.
WordGroup group_of(std::uint32_t word_hash);

}  // namespace pensieve::selector
