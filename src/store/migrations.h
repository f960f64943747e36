// The ledger's tables, as steps from an empty file.
#pragma once

#include <span>
#include <string_view>

namespace pensieve::store {

// SQL scripts, each run once and in order inside a transaction. A step that has been released is
// never changed; a change is a further step at the end.
std::span<const std::string_view> migrations();

}  // namespace pensieve::store
