#include "base/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <string_view>
#include <system_error>

extern char** environ;

namespace pensieve {
namespace {

namespace fs = std::filesystem;

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// An XDG variable counts only if it is an absolute path.
fs::path xdg(const std::map<std::string, std::string>& environment, const char* name, const fs::path& fallback) {
  const fs::path path = value_of(environment, name);
  return path.is_absolute() ? path : fallback;
}

}  // namespace

Result<Paths> find_paths(const std::map<std::string, std::string>& environment) {
  if (const std::string home = value_of(environment, "PENSIEVE_HOME"); !home.empty()) {
    std::error_code error;
    const fs::path root = fs::absolute(home, error);
    return Paths{root / "config.toml", root, root / "models", root / "run"};
  }
  const fs::path home = value_of(environment, "HOME");
  if (home.empty()) {
    return fail(ErrorCode::kInvalidArgument, "neither PENSIEVE_HOME nor HOME is set",
                "set PENSIEVE_HOME to a folder for configuration and models");
  }
  const fs::path data = xdg(environment, "XDG_DATA_HOME", home / ".local/share") / "pensieve";
  const fs::path config = xdg(environment, "XDG_CONFIG_HOME", home / ".config") / "pensieve";
  const fs::path runtime = xdg(environment, "XDG_RUNTIME_DIR", {});
  return Paths{config / "config.toml", data, data / "models", runtime.empty() ? data / "run" : runtime / "pensieve"};
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

Result<void> ensure_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) {
    if (access(folder.c_str(), W_OK | X_OK) == 0) return {};
    return fail(ErrorCode::kIo, std::format("folder '{}' is not writable", folder.string()),
                "change its owner or permissions, or set PENSIEVE_HOME to another folder");
  }
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    fs::create_directories(folder.parent_path(), error);
  }
  if (mkdir(folder.c_str(), 0700) == 0 || fs::is_directory(folder, error)) return {};
  return fail(ErrorCode::kIo, std::format("can't create folder '{}': {}", folder.string(), std::strerror(errno)),
              "make its parent writable, or set PENSIEVE_HOME to another folder");
}

namespace {

Error write_error(const fs::path& file) {
  const int code = errno;
  return {ErrorCode::kIo, std::format("can't write '{}': {}", file.string(), std::strerror(code)),
          code == ENOSPC || code == EFBIG || code == EDQUOT ? "free some disk space"
                                                            : "check the permissions of its folder, or set PENSIEVE_HOME to another one",
          ""};
}

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(descriptor) == 0;
}

}  // namespace

Result<void> write_file_atomically(const fs::path& file, std::string_view content) {
  fs::path temporary = file;
  temporary += std::format(".{}.tmp", getpid());
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return std::unexpected(write_error(file));
  const bool written = write_all(descriptor, content);
  if (!written) {
    Error error = write_error(file);
    close(descriptor);
    unlink(temporary.c_str());
    return std::unexpected(std::move(error));
  }
  close(descriptor);
  if (rename(temporary.c_str(), file.c_str()) == 0) return {};
  Error error = write_error(file);
  unlink(temporary.c_str());
  return std::unexpected(std::move(error));
}

}  // namespace pensieve
