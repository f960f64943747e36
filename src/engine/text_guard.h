// Keeps texts of control tokens in foreign text ("<|im_end|>" in a user's question) from becoming
// control tokens: only the chat template may write those.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace pensieve::engine {

// Finds texts of control tokens. Immutable.
class ControlTexts {
 public:
  explicit ControlTexts(const std::vector<std::string>& texts);

  struct Match {
    std::size_t position = 0;
    std::size_t length = 0;
  };
  // First occurrence at or after `from`; of those that begin there, the longest.
  [[nodiscard]] std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  std::unordered_set<std::string> texts_;
  std::set<std::size_t, std::greater<>> lengths_;
  std::string first_bytes_;
};

// Guards the texts of one prompt. Each control text is replaced by a placeholder of private-use
// characters, which goes through the template like any word; text without them stays untouched, so
// that its tokens are the usual ones.
class TextGuard {
 public:
  explicit TextGuard(const ControlTexts& controls) : controls_(controls) {}

  // `text` with placeholders.
  std::string guard(std::string_view text);

  // A placeholder for the image with this index.
  std::string image(std::size_t index);

  // A character that guarded text never has, for marking a place.
  static constexpr std::string_view kMark = "\uE0F2";

  // Rendered text in parts: as the template wrote it, or literal, to be read as plain text, or an image's place.
  struct Part {
    std::string text;
    bool literal = false;
    std::optional<std::size_t> image = {};
    bool operator==(const Part&) const = default;
  };
  [[nodiscard]] std::vector<Part> restore(std::string_view rendered) const;

 private:
  std::string stand_in(Part part);
  [[nodiscard]] std::optional<ControlTexts::Match> next(std::string_view text, std::size_t from) const;

  const ControlTexts& controls_;
  std::vector<Part> replaced_;
};

}  // namespace pensieve::engine
