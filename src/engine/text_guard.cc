#include "engine/text_guard.h"

#include <algorithm>
#include <charconv>
#include <format>

namespace pensieve::engine {
namespace {

constexpr std::string_view kOpen = "\uE0F0";
constexpr std::string_view kClose = "\uE0F1";

}  // namespace

ControlTexts::ControlTexts(const std::vector<std::string>& texts) : texts_(texts.begin(), texts.end()) {
  texts_.erase("");
  for (const std::string& text : texts_) {
    lengths_.insert(text.size());
    if (!first_bytes_.contains(text.front())) first_bytes_.push_back(text.front());
  }
}

std::optional<ControlTexts::Match> ControlTexts::find(std::string_view text, std::size_t from) const {
  for (;;) {
    from = text.find_first_of(first_bytes_, from);
    if (from == std::string_view::npos) return std::nullopt;
    for (const std::size_t length : lengths_) {
      if (length <= text.size() - from && texts_.contains(std::string(text.substr(from, length)))) {
        return Match{from, length};
      }
    }
    ++from;
  }
}

// The next control text or character of our own that has to be replaced.
std::optional<ControlTexts::Match> TextGuard::next(std::string_view text, std::size_t from) const {
  std::optional<ControlTexts::Match> found = controls_.find(text, from);
  for (const std::string_view own : {kOpen, kClose, kMark}) {
    const std::size_t at = text.find(own, from);
    if (at != std::string_view::npos && (!found || at < found->position)) {
      found = ControlTexts::Match{at, own.size()};
    }
  }
  return found;
}

std::string TextGuard::stand_in(Part part) {
  replaced_.push_back(std::move(part));
  return std::format("{}{}{}", kOpen, replaced_.size() - 1, kClose);
}

std::string TextGuard::image(std::size_t index) { return stand_in({.text = {}, .image = index}); }

std::string TextGuard::guard(std::string_view text) {
  std::string guarded;
  std::size_t done = 0;
  while (const auto match = next(text, done)) {
    guarded += text.substr(done, match->position - done);
    guarded += stand_in({std::string(text.substr(match->position, match->length)), true});
    done = match->position + match->length;
  }
  guarded += text.substr(done);
  return guarded;
}

std::vector<TextGuard::Part> TextGuard::restore(std::string_view rendered) const {
  std::vector<Part> parts;
  const auto add = [&](std::string_view text, bool literal) {
    if (text.empty()) return;
    if (parts.empty() || parts.back().literal != literal || parts.back().image) parts.push_back({{}, literal});
    parts.back().text += text;
  };
  while (!rendered.empty()) {
    const std::size_t open = rendered.find(kOpen);
    const std::size_t close = open == std::string_view::npos ? open : rendered.find(kClose, open);
    if (close == std::string_view::npos) break;
    add(rendered.substr(0, open), false);
    const std::string_view number = rendered.substr(open + kOpen.size(), close - open - kOpen.size());
    std::size_t index = replaced_.size();
    std::from_chars(number.data(), number.data() + number.size(), index);
    if (index < replaced_.size()) {
      const Part& part = replaced_[index];
      if (part.image) {
        parts.push_back(part);
      } else {
        add(part.text, true);
      }
    }
    rendered.remove_prefix(close + kClose.size());
  }
  add(rendered, false);
  return parts;
}

}  // namespace pensieve::engine
