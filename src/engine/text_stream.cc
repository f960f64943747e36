#include "engine/text_stream.h"

#include <algorithm>

#include "base/utf8.h"

namespace pensieve::engine {
namespace {

std::vector<std::size_t> borders_of(std::string_view text) {
  std::vector<std::size_t> borders(text.size() + 1, 0);
  std::size_t length = 0;
  for (std::size_t n = 2; n <= text.size(); ++n) {
    while (length > 0 && text[n - 1] != text[length]) length = borders[length];
    if (text[n - 1] == text[length]) ++length;
    borders[n] = length;
  }
  return borders;
}

}  // namespace

TextStream::TextStream(const std::vector<std::string>& stops) {
  for (std::size_t i = 0; i < stops.size(); ++i) {
    if (!stops[i].empty()) matchers_.push_back({i, stops[i], borders_of(stops[i]), 0});
  }
}

bool TextStream::Matcher::accept(char byte) {
  while (matched > 0 && text[matched] != byte) matched = borders[matched];
  if (text[matched] == byte) ++matched;
  return matched == text.size();
}

bool TextStream::accept(char byte) {
  pending_.push_back(byte);
  const Matcher* hit = nullptr;
  for (Matcher& matcher : matchers_) {
    if (matcher.accept(byte) && (hit == nullptr || matcher.text.size() > hit->text.size())) {
      hit = &matcher;
    }
  }
  if (hit == nullptr) return false;
  stopped_by_ = hit->index;
  pending_.resize(pending_.size() - hit->text.size());
  return true;
}

std::size_t TextStream::held_back() const {
  std::size_t longest = 0;
  for (const Matcher& matcher : matchers_) longest = std::max(longest, matcher.matched);
  return longest;
}

std::string TextStream::release(std::size_t length) {
  std::string text = replace_invalid_utf8(std::string_view(pending_).substr(0, length));
  pending_.erase(0, length);
  return text;
}

std::string TextStream::push(std::string_view bytes) {
  if (stopped_by_) return {};
  if (matchers_.empty()) {
    pending_.append(bytes);
  } else {
    for (const char byte : bytes) {
      if (accept(byte)) return finish();
    }
  }
  const std::string_view free = std::string_view(pending_).substr(0, pending_.size() - held_back());
  return release(complete_utf8_prefix(free));
}

std::string TextStream::finish() { return release(pending_.size()); }

}  // namespace pensieve::engine
