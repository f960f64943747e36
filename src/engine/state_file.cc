#include "engine/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>

#include "base/sha256.h"

namespace pensieve::engine {
namespace {

// Layout, little endian as all machines that we run on: magic, begin, tokens, state bytes (u64 each),
// parent (64 characters, zeros for none), id, tokens (i32 each); the state; its digest.
constexpr std::string_view kMagic = "PENSIEVE-STATE-1";
constexpr std::size_t kDigest = 64;
constexpr std::size_t kFixed = kMagic.size() + 3 * sizeof(std::uint64_t) + 2 * kDigest;
constexpr std::uint64_t kMostStateBytes = 1ULL << 40U;

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, std::format("not a conversation's state: {}", what));
}

std::unexpected<Error> io_error(const std::filesystem::path& file, std::string_view doing) {
  return fail(ErrorCode::kIo, std::format("can't {} {}: {}", doing, file.string(), std::strerror(errno)));
}

// A file descriptor that closes itself.
class File {
 public:
  File(const std::filesystem::path& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool open() const { return descriptor_ >= 0; }
  [[nodiscard]] std::int64_t size() const {
    struct stat status{};
    return fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : -1;
  }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  // Fills `out` from `offset`; false if the file ends before.
  bool read(std::span<char> out, std::size_t offset) {
    while (!out.empty()) {
      const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      out = out.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  int descriptor_;
};

void put(std::string& out, std::uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }

std::uint64_t take_number(std::string_view& bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::string digest_of(std::span<const char> state) { return sha256_hex({state.data(), state.size()}); }

// The head of an open file, and where the state begins in it.
Result<StateFileHead> head_of(File& file, const std::filesystem::path& path, std::size_t& state_at) {
  std::string bytes(kFixed, '\0');
  if (!file.read(bytes, 0)) return damaged("it ends within its head");
  std::string_view numbers = std::string_view(bytes).substr(kMagic.size() + sizeof(std::uint64_t));
  const std::uint64_t tokens = take_number(numbers);
  if (tokens > kMostPieceTokens) return damaged("too many tokens");
  bytes.resize(kFixed + tokens * sizeof(Token));
  if (!file.read(bytes, 0)) return damaged("it ends within its tokens");
  StateFileHead head = TRY(decode_state_head(bytes));
  state_at = bytes.size();
  if (file.size() != static_cast<std::int64_t>(state_at) + head.state_bytes + static_cast<std::int64_t>(kDigest)) {
    return damaged(std::format("{} has not the length that its head says", path.filename().string()));
  }
  return head;
}

}  // namespace

std::string encode_state_head(const StatePiece& piece, std::size_t state_bytes) {
  std::string out(kMagic);
  put(out, piece.begin);
  put(out, piece.tokens.size());
  put(out, state_bytes);
  out += piece.parent.empty() ? std::string(kDigest, '0') : piece.parent;
  out += piece.id;
  out.append(reinterpret_cast<const char*>(piece.tokens.data()), piece.tokens.size() * sizeof(Token));
  return out;
}

Result<StateFileHead> decode_state_head(std::string_view bytes) {
  if (bytes.size() < kFixed || !bytes.starts_with(kMagic)) return damaged("it does not begin as one");
  bytes.remove_prefix(kMagic.size());
  const std::uint64_t begin = take_number(bytes);
  const std::uint64_t count = take_number(bytes);
  const std::uint64_t state_bytes = take_number(bytes);
  if (count == 0 || count > kMostPieceTokens || begin > kMostPieceTokens) return damaged("too many tokens, or none");
  if (state_bytes == 0 || state_bytes > kMostStateBytes) return damaged("a state of no possible size");
  StateId parent(bytes.substr(0, kDigest));
  const StateId id(bytes.substr(kDigest, kDigest));
  bytes.remove_prefix(2 * kDigest);
  if (bytes.size() < count * sizeof(Token)) return damaged("it ends within its tokens");
  std::vector<Token> tokens(count);
  std::memcpy(tokens.data(), bytes.data(), count * sizeof(Token));
  if (parent == std::string(kDigest, '0')) parent.clear();
  if (parent.empty() && begin > 0) return damaged("no beginning, but without a parent");
  StatePiece piece = state_piece(std::move(parent), begin, tokens);
  if (piece.id != id) return damaged("its name is not its content's");
  return StateFileHead{std::move(piece), static_cast<std::int64_t>(state_bytes)};
}

Result<void> write_state_file(const std::filesystem::path& path, const StatePiece& piece, std::span<const char> state) {
  const std::filesystem::path temporary = path.string() + ".part";
  bool done = false;
  {
    File file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.open()) return io_error(temporary, "write");
    done = file.write(encode_state_head(piece, state.size())) && file.write({state.data(), state.size()}) && file.write(digest_of(state));
  }
  if (done && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const auto error = io_error(temporary, "write");
  ::unlink(temporary.c_str());
  return error;
}

Result<StateFileHead> read_state_head(const std::filesystem::path& path) {
  File file(path, O_RDONLY);
  if (!file.open()) return io_error(path, "read");
  std::size_t state_at = 0;
  return head_of(file, path, state_at);
}

Result<std::vector<char>> read_state_file(const std::filesystem::path& path, const StateId& id) {
  File file(path, O_RDONLY);
  if (!file.open()) return io_error(path, "read");
  std::size_t state_at = 0;
  const StateFileHead head = TRY(head_of(file, path, state_at));
  if (head.piece.id != id) return damaged("it is another piece");
  std::vector<char> state(static_cast<std::size_t>(head.state_bytes));
  std::string digest(kDigest, '\0');
  if (!file.read(state, state_at) || !file.read(digest, state_at + state.size())) return io_error(path, "read");
  if (digest != digest_of(state)) return damaged("its digest does not fit");
  return state;
}

}  // namespace pensieve::engine
