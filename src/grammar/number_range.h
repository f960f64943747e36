// JSON numbers within bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "grammar/rules.h"

namespace pensieve::grammar {

struct NumberBounds {
  std::optional<double> minimum = {};
  std::optional<double> maximum = {};
  bool above_minimum = false;  // the minimum itself is out
  bool below_maximum = false;
};

// One symbol for whole numbers within the bounds. Without a bound on a side, numbers of up to 15 digits,
// which every reader of JSON keeps exactly. Error kInvalidArgument: there is none.
Result<std::string> integer_in(Rules& rules, const NumberBounds& bounds);

// The same for decimal numbers. Bounded ones are written without exponent, with one decimal more than the
// bounds have, and at least six.
Result<std::string> number_in(Rules& rules, const NumberBounds& bounds);

}  // namespace pensieve::grammar
