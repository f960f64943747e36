#include "merge/work_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/paths.h"
#include "base/units.h"

namespace pensieve::merge {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostTensors = 262'144;  // the reader's bound

bool is_full(int code) { return code == ENOSPC || code == EFBIG || code == EDQUOT; }

std::unexpected<Error> failed(const fs::path& path, std::string_view what, int code) {
  return fail(ErrorCode::kIo, std::format("can't {} '{}': {}", what, path.string(), std::strerror(code)),
              is_full(code) ? "free some disk space and run the same command again: it goes on where it stopped"
                            : "check the folder's permissions and its disk");
}

Result<void> write_all(int descriptor, const fs::path& path, std::uint64_t offset, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failed(path, "write", count < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

// What the state file says of this job; 0 if it speaks of another one.
std::size_t recorded(const fs::path& state, const std::string& job) {
  std::ifstream file(state);
  std::string kind;
  std::string hash;
  std::size_t tensors = 0;
  if (!(file >> kind >> hash >> tensors) || kind != "pensieve-merge-1" || hash != job || tensors > kMostTensors) return 0;
  return tensors;
}

Result<void> check_space(const fs::path& out, std::uint64_t bytes, std::uint64_t present) {
  std::error_code error;
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  const fs::space_info space = fs::space(folder, error);
  if (error || present >= bytes || space.available >= bytes - present) return {};
  return fail(
      ErrorCode::kIo,
      std::format("'{}' needs {}, and its disk has {} left", out.string(), to_text(Bytes{static_cast<std::int64_t>(bytes - present)}),
                  to_text(Bytes{static_cast<std::int64_t>(space.available)})),
      "free some disk space, or choose another place with --out");
}

}  // namespace

WorkFile::WorkFile(WorkFile&& other) noexcept
    : out_(std::move(other.out_)),
      part_(std::move(other.part_)),
      state_(std::move(other.state_)),
      job_(std::move(other.job_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      finished_(other.finished_),
      remove_(other.remove_) {}

WorkFile::~WorkFile() {
  if (descriptor_ < 0) return;
  if (remove_) {
    unlink(state_.c_str());
    unlink(part_.c_str());
  }
  close(descriptor_);
}

Result<WorkFile> WorkFile::open(const fs::path& out, const std::string& job, const std::string& header, std::uint64_t bytes) {
  WorkFile file;
  file.out_ = out;
  file.job_ = job;
  (file.part_ = out) += ".merge-part";
  (file.state_ = out) += ".merge-state";
  file.descriptor_ = ::open(file.part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file.descriptor_ < 0) return failed(file.part_, "write", errno);
  if (flock(file.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kUnavailable, std::format("another merge is writing '{}'", out.string()),
                "wait for it, or choose another --out");
  }
  struct stat status{};
  if (fstat(file.descriptor_, &status) != 0) return failed(file.part_, "read", errno);
  if (static_cast<std::uint64_t>(status.st_size) == bytes) file.finished_ = recorded(file.state_, job);
  if (file.finished_ == 0) {
    if (ftruncate(file.descriptor_, 0) != 0) return failed(file.part_, "write", errno);
    status.st_blocks = 0;
  }
  constexpr std::uint64_t kBlock = 512;  // POSIX: st_blocks counts these
  if (Result<void> space = check_space(out, bytes, static_cast<std::uint64_t>(status.st_blocks) * kBlock); !space) {
    if (file.finished_ == 0) file.remove_at_end();
    return std::unexpected(std::move(space.error()));
  }
  if (file.finished_ > 0) return file;
  TRY_VOID(write_all(file.descriptor_, file.part_, 0, header));
  if (ftruncate(file.descriptor_, static_cast<off_t>(bytes)) != 0) return failed(file.part_, "write", errno);
  return file;
}

Result<void> WorkFile::write(std::uint64_t offset, std::span<const char> bytes) const {
  return write_all(descriptor_, part_, offset, bytes);
}

Result<void> WorkFile::record(std::size_t tensors) {
  if (fsync(descriptor_) != 0) return failed(part_, "write", errno);
  return write_file_atomically(state_, std::format("pensieve-merge-1 {} {}\n", job_, tensors));
}

Result<void> WorkFile::commit(bool replace) {
  if (fsync(descriptor_) != 0) return failed(part_, "write", errno);
  // A link fails where the name is taken; where links are not to be had, a look must do.
  if (!replace && link(part_.c_str(), out_.c_str()) == 0) {
    unlink(part_.c_str());
  } else {
    const int code = errno;
    std::error_code error;
    if (!replace && (code == EEXIST || fs::exists(out_, error))) {
      return fail(ErrorCode::kInvalidArgument, std::format("'{}' exists by now", out_.string()), "add --force to replace it");
    }
    if (rename(part_.c_str(), out_.c_str()) != 0) return failed(out_, "write", errno);
  }
  unlink(state_.c_str());
  return {};
}

}  // namespace pensieve::merge
