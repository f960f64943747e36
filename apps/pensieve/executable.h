// Where this program's own file is, for starting it again in another role.
#pragma once

#include <string>

#include "base/result.h"

namespace pensieve {

Result<std::string> executable_path();

}  // namespace pensieve
