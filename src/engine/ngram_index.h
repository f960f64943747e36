// Where a text has been in the same words before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/batch_token.h"

namespace pensieve::engine {

// Of a text that only grows: for runs of tokens of a few lengths, where each came up. So finding the place that
// agrees with the text's end for longest takes a few look-ups, however long the text is. About 60 bytes a
// token.
class NgramIndex {
 public:
  static constexpr std::array<std::size_t, 4> kLengths{2, 4, 8, 16};
  static constexpr std::size_t kLongest = 32;     // agreement beyond that does not count
  static constexpr std::size_t kCandidates = 64;  // places that are compared, the latest ones

  struct Match {
    std::size_t next = 0;    // the token of the text that followed there
    std::size_t agreed = 0;  // tokens before it that agree with the text's end
    bool operator==(const Match&) const = default;
  };

  // Of the last kCandidates places with the longest of the runs that the text ends with, the one that agrees
  // for longest; the latest of several. None if no run of the least length came up before. `text` must begin
  // with the one of the last call.
  std::optional<Match> find(std::span<const Token> text);

 private:
  // The ends of runs of one length, hashed; each leads to the one before.
  class Table {
   public:
    explicit Table(std::size_t length) : length_(length) {}
    // The token after `end` exists, so that the run has something that follows.
    void insert(std::span<const Token> text, std::size_t end);
    // The latest end of the run that `text` ends with; 0: none.
    [[nodiscard]] std::size_t find(std::span<const Token> text) const;
    // The end of the same run before; 0: none.
    [[nodiscard]] std::size_t before(std::size_t end) const { return earlier_[end]; }

   private:
    [[nodiscard]] std::size_t slot_of(std::span<const Token> text, std::size_t end) const;
    void grow(std::span<const Token> text);

    std::size_t length_;
    std::size_t used_ = 0;
    std::vector<std::uint32_t> slots_;    // a power of two; ends, 0: free
    std::vector<std::uint32_t> earlier_;  // by end
  };

  std::array<Table, kLengths.size()> tables_{Table(kLengths[0]), Table(kLengths[1]), Table(kLengths[2]), Table(kLengths[3])};
  std::size_t taken_ = 0;  // tokens whose runs are in the tables
};

}  // namespace pensieve::engine
