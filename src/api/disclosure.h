// What an answer says of the server's choice, in each API the same.
#pragma once

#include <string>
#include <string_view>

#include "manager/service.h"

namespace pensieve::api {

struct Disclosure {
  std::string model;     // id of the one that answers
  std::string decision;  // id of the decision, which is the request's
  std::string degraded;  // what the request gets less of than it asked for; empty: nothing
  bool operator==(const Disclosure&) const = default;
};

// What `stream` says now; it may say more later.
Disclosure disclosure_of(const GenerationStream& stream, std::string_view decision);

// {"model":"a","decision":"req_1","degraded":null}, the value of the `pensieve` field of a usage object.
std::string disclosure_json(const Disclosure& disclosure);

// ,"pensieve":{...} to put behind other fields; empty without a decision.
std::string disclosure_field(const Disclosure& disclosure);

// The same for APIs whose usage has no fields of their own for tokens guessed ahead: they are added to the
// object where there were any. Without a decision it has nothing but them.
std::string disclosure_field(const Disclosure& disclosure, const Usage& usage);

// `text` as a header's value: printable ASCII, at most 400 bytes.
std::string header_text(std::string_view text);

}  // namespace pensieve::api
