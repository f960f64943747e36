// ggml's backends and libllama's log.
#pragma once

#include <string>

#include "base/units.h"

namespace pensieve::engine {

// Figures that libllama tells only in its log while a model and its context are opened.
struct LoadFigures {
  Bytes kv;
  Bytes compute;
};

void forget_load_figures();
LoadFigures load_figures();

// The last error line of libllama since forget_load_figures(); empty if none.
std::string last_engine_error();

}  // namespace pensieve::engine
