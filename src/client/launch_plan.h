// How a coding agent is started so that it talks to this server.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pensieve {

// What the agent is to use.
struct LaunchTarget {
  std::string url;  // of the server, without a path
  std::string key;  // any text where the server asks for none
  std::string model = "auto";
  std::string side_model = "auto:fast";  // for titles and other small calls
  std::int64_t context_tokens = 0;       // of one conversation
};

struct LaunchPlan {
  std::string program;                 // as it is looked for in PATH
  std::vector<std::string> arguments;  // before the user's own
  std::map<std::string, std::string> environment;
  std::string how_to_install;
};

// `tool`: claude, codex or opencode. Error kInvalidArgument for any other.
Result<LaunchPlan> plan_launch(std::string_view tool, const LaunchTarget& target);

}  // namespace pensieve
