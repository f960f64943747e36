// Whether models can be merged tensor by tensor: the same architecture, sizes, tensors and tokens.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "merge/model_file.h"

namespace pensieve::merge {

// Error kInvalidArgument names the first difference. On success: what differs without harm (the chat
// template, an end token), which the first model decides; one sentence each.
Result<std::vector<std::string>> check_compatible(const ModelFile& first, const ModelFile& other);

}  // namespace pensieve::merge
