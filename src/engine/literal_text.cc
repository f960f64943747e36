#include "engine/literal_text.h"

#include <algorithm>
#include <charconv>
#include <format>

namespace pensieve::engine {
namespace {

constexpr std::string_view kOpen = "\uF8F0";
constexpr std::string_view kClose = "\uF8F1";

}  // namespace

LiteralText::LiteralText(const std::vector<std::string>& control_texts) : by_first_byte_(256) {
  for (const std::string& text : control_texts) {
    by_first_byte_[static_cast<unsigned char>(text.front())].push_back(text);
  }
  // A client's own private-use characters must not look like ours.
  by_first_byte_[static_cast<unsigned char>(kOpen.front())].emplace_back(kOpen);
  for (auto& texts : by_first_byte_) {
    std::ranges::sort(texts, std::ranges::greater{}, &std::string::size);
  }
}

std::string LiteralText::protect(std::string_view text, Replaced& replaced) const {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto& texts = by_first_byte_[static_cast<unsigned char>(text[i])];
    const auto found = std::ranges::find_if(
        texts, [&](const std::string& control) { return text.substr(i).starts_with(control); });
    if (found == texts.end()) {
      out += text[i++];
      continue;
    }
    out += std::format("{}{}{}", kOpen, replaced.size(), kClose);
    replaced.push_back(*found);
    i += found->size();
  }
  return out;
}

std::vector<PromptPart> LiteralText::split(std::string_view prompt, const Replaced& replaced) {
  std::vector<PromptPart> parts;
  const auto add = [&](std::string_view text, bool control) {
    if (text.empty()) return;
    if (!parts.empty() && parts.back().control_tokens == control) {
      parts.back().text += text;
    } else {
      parts.push_back({std::string(text), control});
    }
  };
  while (!prompt.empty()) {
    const std::size_t open = prompt.find(kOpen);
    add(prompt.substr(0, open), true);
    if (open == std::string_view::npos) break;
    prompt.remove_prefix(open + kOpen.size());
    std::size_t index = 0;
    const auto number = std::from_chars(prompt.data(), prompt.data() + prompt.size(), index);
    prompt.remove_prefix(static_cast<std::size_t>(number.ptr - prompt.data()));
    if (prompt.starts_with(kClose)) prompt.remove_prefix(kClose.size());
    if (number.ec == std::errc{} && index < replaced.size()) add(replaced[index], false);
  }
  return parts;
}

}  // namespace pensieve::engine
