#include "grammar/string_formats.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pensieve::grammar {
namespace {

// Days by month, so that no date is one that does not exist; leap days are left out.
#define PENSIEVE_DATE \
  "[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
#define PENSIEVE_TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define PENSIEVE_HOST "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?){0,3}\\.[a-z]{2,12}"
#define PENSIEVE_OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

constexpr std::pair<std::string_view, std::string_view> kPatterns[] = {
    {"date", "^" PENSIEVE_DATE "$"},
    {"time", "^" PENSIEVE_TIME "$"},
    {"date-time", "^" PENSIEVE_DATE "T" PENSIEVE_TIME "$"},
    {"duration", "^P([0-9]{1,4}W|[0-9]{1,4}D(T[0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?)?|T[0-9]{1,4}[HMS])$"},
    {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"},
    {"email", "^[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,32}){0,3}@" PENSIEVE_HOST "$"},
    {"hostname", "^" PENSIEVE_HOST "$"},
    {"ipv4", "^(" PENSIEVE_OCTET "\\.){3}" PENSIEVE_OCTET "$"},
    {"ipv6", "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$"},
    {"uri", "^https?://" PENSIEVE_HOST "(/[A-Za-z0-9._~-]{1,64}){0,16}/?(\\?[A-Za-z0-9._~=&-]{1,128})?$"},
    {"uri-reference", "^(https?://" PENSIEVE_HOST ")?(/[A-Za-z0-9._~-]{1,64}){1,16}$"},
    {"iri", "^https?://" PENSIEVE_HOST "(/[A-Za-z0-9._~-]{1,64}){0,16}/?$"},
    {"json-pointer", "^(/[A-Za-z0-9_.-]{0,64}){0,32}$"},
};

#undef PENSIEVE_DATE
#undef PENSIEVE_TIME
#undef PENSIEVE_HOST
#undef PENSIEVE_OCTET

constexpr std::array<std::string_view, 6> kUnsupported = {"regex",        "uri-template",  "relative-json-pointer",
                                                          "idn-hostname", "iri-reference", "idn-email"};

}  // namespace

std::optional<std::string_view> format_pattern(std::string_view format) {
  const auto* const found = std::ranges::find(kPatterns, format, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kPatterns) ? std::nullopt : std::optional(found->second);
}

bool is_unsupported_format(std::string_view format) { return std::ranges::contains(kUnsupported, format); }

}  // namespace pensieve::grammar
