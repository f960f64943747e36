#include "gguf/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>

namespace pensieve::gguf {
namespace {

class FileSource final : public Source {
 public:
  FileSource(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  ~FileSource() override { close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<char> out) override {
    while (!out.empty()) {
      const ssize_t count = pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        return fail(ErrorCode::kIo, std::format("reading at byte {}: {}", offset, count < 0 ? std::strerror(errno) : "the file ends"));
      }
      out = out.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
    return {};
  }

 private:
  int descriptor_;
  std::uint64_t size_;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(std::span<const char> bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, std::span<char> out) override {
    std::ranges::copy(bytes_.subspan(offset, out.size()), out.begin());
    return {};
  }

 private:
  std::span<const char> bytes_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_file(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status{};
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    const int code = errno;
    if (descriptor >= 0) close(descriptor);
    return fail(code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, std::format("can't open: {}", std::strerror(code)),
                "check the file's permissions");
  }
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    return fail(ErrorCode::kIo, "not a regular file");
  }
  return std::make_unique<FileSource>(descriptor, static_cast<std::uint64_t>(status.st_size));
}

std::unique_ptr<Source> open_memory(std::span<const char> bytes) { return std::make_unique<MemorySource>(bytes); }

}  // namespace pensieve::gguf
