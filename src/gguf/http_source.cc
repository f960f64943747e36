#include "gguf/http_source.h"

#include <algorithm>
#include <format>
#include <vector>

#include "net/transfer.h"

namespace pensieve::gguf {
namespace {

// Small enough to leave most of a file unread, large enough that a header of some megabytes takes
// a dozen requests.
constexpr std::uint64_t kPiece = 512 * 1024;

class Ranges final : public HttpSource {
 public:
  Ranges(std::string url, std::string bearer) : url_(std::move(url)), bearer_(std::move(bearer)) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] std::uint64_t fetched_bytes() const override { return fetched_; }

  Result<void> read(std::uint64_t offset, std::span<char> out) override {
    while (!out.empty()) {
      if (offset < begin_ || offset >= begin_ + piece_.size()) TRY_VOID(fetch(offset, std::max<std::uint64_t>(kPiece, out.size())));
      const std::uint64_t at = offset - begin_;
      const std::uint64_t count = std::min<std::uint64_t>(out.size(), piece_.size() - at);
      std::copy_n(piece_.begin() + static_cast<std::ptrdiff_t>(at), count, out.begin());
      out = out.subspan(count);
      offset += count;
    }
    return {};
  }

  // Replaces the piece by the bytes from `offset`.
  Result<void> fetch(std::uint64_t offset, std::uint64_t wanted) {
    std::vector<char> piece;
    const auto head = [&](const net::TransferHead& answer) -> Result<void> {
      if (answer.status != 206 || answer.total_bytes < 0 || answer.first_byte != static_cast<std::int64_t>(offset)) {
        return fail(ErrorCode::kUnsupported, std::format("the server of {} gives no parts of files", url_),
                    "download the whole file, then ask again");
      }
      if (size_ > 0 && static_cast<std::uint64_t>(answer.total_bytes) != size_)
        return fail(ErrorCode::kIo, std::format("{} changed while it was read", url_));
      size_ = static_cast<std::uint64_t>(answer.total_bytes);
      return {};
    };
    const auto bytes = [&](std::span<const char> more) -> Result<void> {
      if (piece.size() + more.size() > wanted) return fail(ErrorCode::kIo, std::format("{} sends more than was asked for", url_));
      piece.insert(piece.end(), more.begin(), more.end());
      return {};
    };
    TRY_VOID(net::transfer({.url = url_, .bearer = bearer_, .range = std::pair{offset, offset + wanted - 1}}, {head, bytes}));
    if (piece.empty()) return fail(ErrorCode::kIo, std::format("{} sends nothing at byte {}", url_, offset));
    begin_ = offset;
    piece_ = std::move(piece);
    fetched_ += piece_.size();
    return {};
  }

 private:
  std::string url_;
  std::string bearer_;
  std::uint64_t size_ = 0;
  std::uint64_t begin_ = 0;
  std::vector<char> piece_;
  std::uint64_t fetched_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpSource>> open_url(const std::string& url, const std::string& bearer) {
  auto source = std::make_unique<Ranges>(url, bearer);
  TRY_VOID(source->fetch(0, kPiece));
  return source;
}

}  // namespace pensieve::gguf
