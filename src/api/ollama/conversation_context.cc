#include "api/ollama/conversation_context.h"

#include <cmath>
#include <format>

#include "base/utf8.h"

namespace pensieve::api::ollama {
namespace {

constexpr std::uint32_t kMark = 0x50454E53;  // "PENS"

char letter_of(Role role) {
  switch (role) {
    case Role::kSystem:
      return 's';
    case Role::kAssistant:
      return 'a';
    default:
      return 'u';
  }
}

std::unexpected<Error> foreign() {
  return fail(ErrorCode::kInvalidArgument, "was not made by this server", "send the context of an earlier answer, or none");
}

std::optional<std::uint32_t> whole(const Json& value, std::uint32_t most) {
  if (!value.is_number()) return {};
  const double number = value.as_number();
  if (number != std::floor(number) || !(number >= 0 && number <= most)) return {};
  return static_cast<std::uint32_t>(number);
}

}  // namespace

// Each message is its role's letter, its length in bytes in decimal, a colon and the text.
std::string encode_context(const std::vector<Message>& messages) {
  std::string bytes;
  for (const Message& message : messages) {
    if (message.text.empty()) continue;
    bytes += std::format("{}{}:", letter_of(message.role), message.text.size());
    bytes += message.text;
  }
  std::string out = std::format("[{},{}", kMark, bytes.size());
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t packed = 0;
    for (std::size_t k = 0; k < 3; ++k) packed = packed << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    std::format_to(std::back_inserter(out), ",{}", packed);
  }
  return out + "]";
}

Result<std::vector<Message>> decode_context(const Json::array_t& context) {
  if (context.size() < 2 || whole(context[0], UINT32_MAX) != kMark) return foreign();
  const auto size = whole(context[1], UINT32_MAX);
  if (!size || context.size() - 2 != (std::size_t{*size} + 2) / 3) return foreign();
  std::string bytes;
  for (std::size_t i = 2; i < context.size(); ++i) {
    const auto packed = whole(context[i], 0xFFFFFF);
    if (!packed) return foreign();
    for (const unsigned shift : {16U, 8U, 0U}) bytes += static_cast<char>(*packed >> shift & 0xFFU);
  }
  bytes.resize(*size);
  if (!is_valid_utf8(bytes)) return foreign();
  std::vector<Message> messages;
  for (std::string_view rest = bytes; !rest.empty();) {
    const char letter = rest.front();
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos || colon < 2 || colon > 10 || !std::string_view("sua").contains(letter)) return foreign();
    std::size_t length = 0;
    for (const char digit : rest.substr(1, colon - 1)) {
      if (digit < '0' || digit > '9') return foreign();
      length = length * 10 + static_cast<std::size_t>(digit - '0');
    }
    rest.remove_prefix(colon + 1);
    if (length > rest.size() || !is_valid_utf8(rest.substr(0, length))) return foreign();
    const Role role = letter == 's' ? Role::kSystem : letter == 'a' ? Role::kAssistant : Role::kUser;
    messages.push_back({.role = role, .text = std::string(rest.substr(0, length))});
    rest.remove_prefix(length);
  }
  return messages;
}

}  // namespace pensieve::api::ollama
