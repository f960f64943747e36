// `pensieve list --available`: the catalog of models that can be pulled.
#pragma once

#include "base/result.h"

namespace pensieve::cli {

Result<void> list_available(bool json);

}  // namespace pensieve::cli
