// How JSON is written that holds words of others.
#pragma once

#include <glaze/core/opts.hpp>

namespace pensieve::api {

// Options of glz::write. glaze writes control characters as they are unless told otherwise, which is no JSON; what
// clients send, files are called and people type may hold some.
struct EscapedJson : glz::opts {
  bool escape_control_characters = true;
};

}  // namespace pensieve::api
