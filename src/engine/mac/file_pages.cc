#include "engine/file_pages.h"

namespace pensieve::engine {

// Clean pages of files are not in a process's footprint here, and Metal works on the mapped weights.
void release_file_pages(const std::string& /*path*/) {}

}  // namespace pensieve::engine
