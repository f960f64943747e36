#include "engine/file_pages.h"

#include <sys/mman.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace pensieve::engine {
namespace detail {

// "7f00-7f10 r--s 00000000 08:01 42    /models/x-00002-of-00003.gguf"
Mapping mapping_of(const std::string& line, const std::string& file) {
  constexpr std::size_t kPartEnding = sizeof("-00001-of-00003.gguf") - 1;
  const std::size_t name = line.find('/');
  if (name == std::string::npos) return {};
  const std::string mapped = line.substr(name);
  const bool parts = file.size() > kPartEnding && file.substr(file.size() - kPartEnding, 10) == "-00001-of-";
  const bool same = parts ? mapped.starts_with(file.substr(0, file.size() - kPartEnding + 1)) && mapped.ends_with(".gguf") : mapped == file;
  if (!same) return {};
  Mapping mapping;
  char dash = 0;
  std::istringstream range(line);
  range >> std::hex >> mapping.begin >> dash >> mapping.end;
  return range && dash == '-' ? mapping : Mapping{};
}

}  // namespace detail

void release_file_pages(const std::string& path) {
  std::error_code error;
  const std::string file = std::filesystem::canonical(path, error).string();
  if (error) return;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const detail::Mapping mapping = detail::mapping_of(line, file);
    // The mapping is of the file and read-only, so nothing is lost.
    if (mapping.end > mapping.begin) madvise(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED);
  }
}

}  // namespace pensieve::engine
