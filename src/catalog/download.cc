#include "catalog/download.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "base/sha256.h"
#include "net/transfer.h"

namespace pensieve {
namespace {

constexpr Bytes kDiskMargin = mebibytes(512);  // left free beside the download

// The file that is being written, with the running sum of its content.
class PartFile {
 public:
  explicit PartFile(const std::filesystem::path& destination) : path_(destination.string() + ".part"), tag_path_(path_.string() + ".tag") {}
  ~PartFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::string tag() const {
    std::string tag;
    std::ifstream file(tag_path_);
    std::getline(file, tag);
    return tag;
  }

  // Opens what is there; its bytes are read again for the sum.
  Result<void> open_existing() {
    descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) return system_error("can't write");
    std::vector<char> buffer(1 << 20);
    for (;;) {
      const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_error("can't read");
      if (count == 0) return {};
      sum_->add({buffer.data(), static_cast<std::size_t>(count)});
      size_ += count;
    }
  }

  Result<void> begin_anew(const std::string& tag) {
    if (ftruncate(descriptor_, 0) != 0 || lseek(descriptor_, 0, SEEK_SET) != 0) return system_error("can't write");
    size_ = 0;
    sum_ = std::make_unique<Sha256>();
    std::ofstream(tag_path_) << tag << '\n';
    return {};
  }

  Result<void> append(std::span<const char> bytes) {
    sum_->add(bytes);
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return system_error("can't write");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      size_ += count;
    }
    return {};
  }

  Result<void> finish(const std::filesystem::path& destination) {
    if (fsync(descriptor_) != 0) return system_error("can't write");
    std::error_code error;
    std::filesystem::rename(path_, destination, error);
    if (error) return fail(ErrorCode::kIo, std::format("can't rename {}: {}", path_.string(), error.message()));
    std::filesystem::remove(tag_path_, error);
    return {};
  }

  void remove() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    std::filesystem::remove(tag_path_, ignored);
  }

  std::string sum() { return sum_->hex(); }

 private:
  [[nodiscard]] std::unexpected<Error> system_error(std::string_view what) const {
    const int code = errno;
    return fail(ErrorCode::kIo, std::format("{} {}: {}", what, path_.string(), std::strerror(code)),
                code == ENOSPC ? "free some space, then pull again: it goes on where it stopped" : "check the folder's permissions");
  }

  std::filesystem::path path_;
  std::filesystem::path tag_path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  std::unique_ptr<Sha256> sum_ = std::make_unique<Sha256>();
};

Result<void> check_disk(const std::filesystem::path& folder, Bytes needed) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (error) return {};
  const Bytes free{static_cast<std::int64_t>(std::min<std::uintmax_t>(space.available, INT64_MAX))};
  if (needed + kDiskMargin <= free) return {};
  return fail(ErrorCode::kIo,
              std::format("{} are still to come, but the disk of {} has {} free", to_text(needed), folder.string(), to_text(free)),
              "free some space, or name another folder with models.folder");
}

Result<void> check_whole(const DownloadFile& file, const std::string& expected_sum, PartFile& part, std::int64_t total) {
  const std::string name = file.destination.filename().string();
  if (total >= 0 && part.size() != total) {
    const std::int64_t came = part.size();
    if (came > total) part.remove();
    return fail(ErrorCode::kIo, std::format("{}: {} bytes came where the server promised {}", name, came, total), "pull again");
  }
  if (part.size() == 0) {
    part.remove();
    return fail(ErrorCode::kIo, std::format("{}: the server sent nothing", name));
  }
  const std::string sum = part.sum();
  if (!expected_sum.empty() && sum != expected_sum) {
    part.remove();
    return fail(ErrorCode::kIo, std::format("{} has the sum {} instead of {}", name, sum, expected_sum),
                "the download is deleted; pull again, and from another place if it stays so");
  }
  return {};
}

}  // namespace

Result<bool> download(const DownloadFile& file, const ProgressSink& progress) {
  std::error_code error;
  const std::filesystem::path folder = file.destination.parent_path();
  std::filesystem::create_directories(folder, error);
  PartFile part(file.destination);
  TRY_VOID(part.open_existing());
  const std::string known_tag = part.tag();
  std::int64_t total = -1;
  bool begun = false;
  const auto head = [&](const net::TransferHead& answer) -> Result<void> {
    const bool goes_on = answer.status == 206 && answer.first_byte == part.size() && !known_tag.empty() && answer.etag == known_tag;
    if (answer.status == 206 && !goes_on) return fail(ErrorCode::kCancelled, "changed");
    if (answer.status == 200) TRY_VOID(part.begin_anew(answer.etag));
    begun = true;
    total = answer.total_bytes;
    if (total < 0) return {};
    return check_disk(folder, Bytes{total - part.size()});
  };
  const auto bytes = [&](std::span<const char> more) -> Result<void> {
    if (total >= 0 && part.size() + static_cast<std::int64_t>(more.size()) > total) {
      part.remove();
      return fail(ErrorCode::kIo, std::format("{}: the server sends more than it promised", file.destination.filename().string()));
    }
    TRY_VOID(part.append(more));
    if (!progress({Bytes{part.size()}, Bytes{std::max<std::int64_t>(total, 0)}})) {
      return fail(ErrorCode::kCancelled, "stopped; pull again to go on");
    }
    return {};
  };
  net::TransferRequest request{.url = file.url, .bearer = file.bearer};
  // One byte is asked for again, so that a complete part file gets an answer and no 416.
  if (part.size() > 0 && !known_tag.empty()) request.range = std::pair{static_cast<std::uint64_t>(part.size()), std::uint64_t{INT64_MAX}};
  Result<net::TransferHead> done = net::transfer(request, {head, bytes});
  const bool stale = !done && request.range && !begun;
  if (stale) {  // the file changed, or all of it is there: begin anew without a range
    request.range.reset();
    done = net::transfer(request, {head, bytes});
  }
  if (!done) return std::unexpected(done.error());
  const std::string& expected_sum = file.sha256.empty() ? done->sha256 : file.sha256;
  TRY_VOID(check_whole(file, expected_sum, part, total));
  TRY_VOID(part.finish(file.destination));
  return !expected_sum.empty();
}

Result<bool> download_all(const std::vector<DownloadFile>& files, const ProgressSink& progress) {
  constexpr std::size_t kAtOnce = 3;
  std::mutex mutex;
  std::vector<DownloadProgress> states(files.size());
  std::atomic<std::size_t> next = 0;
  std::optional<Error> failure;
  std::atomic<bool> all_verified = true;
  const auto work = [&] {
    for (std::size_t i = next++; i < files.size(); i = next++) {
      const auto report = [&, i](const DownloadProgress& state) {
        const std::scoped_lock lock(mutex);
        states[i] = state;
        DownloadProgress sum;
        for (const DownloadProgress& one : states) {
          sum.done += one.done;
          sum.total += one.total;
        }
        return !failure && progress(sum);
      };
      const Result<bool> done = download(files[i], report);
      if (done && !*done) all_verified = false;
      if (!done) {
        const std::scoped_lock lock(mutex);
        if (!failure) failure = done.error();
        next = files.size();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kAtOnce, files.size()); ++i) threads.emplace_back(work);
  }
  if (failure) return std::unexpected(*failure);
  return all_verified.load();
}

}  // namespace pensieve
