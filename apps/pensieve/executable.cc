#include "executable.h"

#include <filesystem>
#include <format>
#ifdef __APPLE__
#include <mach-o/dyld.h>

#include <array>
#endif

namespace pensieve {

Result<std::string> executable_path() {
#ifdef __APPLE__
  std::array<char, 4096> path{};
  auto size = static_cast<std::uint32_t>(path.size());
  if (_NSGetExecutablePath(path.data(), &size) == 0) return std::string(path.data());
  return fail(ErrorCode::kIo, "the path of this program is too long");
#else
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) return path.string();
  return fail(ErrorCode::kIo, std::format("can't tell where this program is: {}", error.message()), "mount /proc");
#endif
}

}  // namespace pensieve
