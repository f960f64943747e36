// Pages of model files that this process has mapped.
#pragma once

#include <cstdint>
#include <string>

namespace pensieve::engine {

// Gives up the pages of the model file at `path` (of a split model: of all its parts). Where kernels keep
// copies of the weights in a layout of their own, the file's pages were only read to make these; without
// this they would count beside the copies until the system is short of memory. What is still needed is
// mapped again when it is read. Does nothing where the system has no such call.
void release_file_pages(const std::string& path);

namespace detail {

// A line of /proc/PID/maps: begin and end of the mapping if it maps `file` or another part of it, else zeros.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};
Mapping mapping_of(const std::string& line, const std::string& file);

}  // namespace detail
}  // namespace pensieve::engine
