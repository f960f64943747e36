// The pieces of one tensor on all cores.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace pensieve::merge {

// Calls `work(piece, worker)` once for each piece below `pieces`, from up to `workers` threads; the
// calling thread is worker 0. The first error ends it.
Result<void> for_each_piece(std::size_t pieces, std::size_t workers, const std::function<Result<void>(std::size_t, std::size_t)>& work);

}  // namespace pensieve::merge
