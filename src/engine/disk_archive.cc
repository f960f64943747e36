#include "engine/disk_archive.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "base/paths.h"
#include "engine/state_file.h"

namespace pensieve::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".state";
constexpr double kCheckShare = 0.02;  // of the bound, written between two looks at the whole folder

struct File {
  fs::path path;
  fs::file_time_type used;
  std::int64_t bytes = 0;
};

// All files of all spaces, ours half-written ones among them.
std::vector<File> files_of(const fs::path& folder) {
  std::vector<File> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (!at->is_regular_file(gone) || at->is_symlink(gone)) continue;
    const auto bytes = static_cast<std::int64_t>(at->file_size(gone));
    const auto used = at->last_write_time(gone);
    if (!gone) files.push_back({at->path(), used, bytes});
  }
  return files;
}

}  // namespace

DiskArchive::DiskArchive(Settings settings) : settings_(std::move(settings)), space_(settings_.folder / settings_.space) {}

Result<std::unique_ptr<DiskArchive>> DiskArchive::open(Settings settings) {
  std::unique_ptr<DiskArchive> archive(new DiskArchive(std::move(settings)));
  TRY_VOID(ensure_folder(archive->settings_.folder));
  TRY_VOID(ensure_folder(archive->space_));
  archive->writer_ = std::thread([&self = *archive] { self.run(); });
  return archive;
}

DiskArchive::~DiskArchive() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (writer_.joinable()) writer_.join();
}

fs::path DiskArchive::file_of(const StateId& id) const { return space_ / (id + kExtension); }

std::vector<StatePiece> DiskArchive::find(const StateId& parent, std::span<const Token> tokens, std::size_t reach) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_; });
  return index_.find(parent, tokens, reach);
}

bool DiskArchive::contains(const StateId& id) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_; });
  return index_.contains(id);
}

void DiskArchive::store(StatePiece piece, std::vector<char> state) {
  std::unique_lock lock(mutex_);
  if (static_cast<std::int64_t>(state.size()) > settings_.most_bytes) return;
  changed_.wait(lock, [this] { return ready_ && (waiting_.empty() || waiting_bytes_ < settings_.most_waiting_bytes); });
  waiting_bytes_ += state.size();
  index_.add(piece);
  waiting_.push_back(std::make_shared<const Waiting>(Waiting{std::move(piece), std::move(state)}));
  changed_.notify_all();
}

std::optional<std::vector<char>> DiskArchive::read(const StatePiece& piece) {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& waiting : waiting_) {
      if (waiting->piece.id == piece.id) return waiting->state;
    }
  }
  Result<std::vector<char>> state = read_state_file(file_of(piece.id), piece.id);
  if (!state) {
    spdlog::warn("a kept conversation can't be used: {}", state.error().message);
    remove(piece.id);
    return std::nullopt;
  }
  mark_used(piece);
  return std::move(*state);
}

void DiskArchive::remove(const StateId& id) {
  const std::scoped_lock lock(mutex_);
  forget(id);
}

void DiskArchive::forget(const StateId& id) {
  index_.remove(id);
  std::error_code ignored;
  fs::remove(file_of(id), ignored);
}

// The end of a conversation counts as older than its beginning, which others may share and without
// which it is worth nothing.
void DiskArchive::mark_used(const StatePiece& piece) const {
  std::error_code ignored;
  fs::last_write_time(file_of(piece.id), fs::file_time_type::clock::now() - std::chrono::milliseconds(piece.begin), ignored);
}

void DiskArchive::run() {
  read_folder();
  keep_within_bounds();
  std::unique_lock lock(mutex_);
  ready_ = true;
  changed_.notify_all();
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::shared_ptr<const Waiting> next = waiting_.front();
    lock.unlock();
    write(*next);
    lock.lock();
    waiting_bytes_ -= next->state.size();
    waiting_.pop_front();
    changed_.notify_all();
  }
}

// What is not a state of this space, or half of one, is removed.
void DiskArchive::read_folder() {
  for (const File& file : files_of(space_)) {
    Result<StateFileHead> head =
        file.path.extension() == kExtension ? read_state_head(file.path) : fail(ErrorCode::kInvalidArgument, "left over");
    std::error_code ignored;
    if (head && file_of(head->piece.id) == file.path) {
      index_.add(std::move(head->piece));
    } else {
      fs::remove(file.path, ignored);
    }
  }
}

void DiskArchive::write(const Waiting& waiting) {
  const Result<void> written = write_state_file(file_of(waiting.piece.id), waiting.piece, waiting.state);
  mark_used(waiting.piece);
  const std::scoped_lock lock(mutex_);
  if (!written) {
    spdlog::warn("a conversation is not kept: {}", written.error().message);
    index_.remove(waiting.piece.id);
    return;
  }
  // A last piece that has grown, or become a whole one.
  for (const StateId& covered : index_.covered_by(waiting.piece)) {
    const bool is_waiting = std::ranges::any_of(waiting_, [&](const auto& other) { return other->piece.id == covered; });
    if (!is_waiting) forget(covered);
  }
  written_since_check_ += static_cast<std::int64_t>(waiting.state.size());
  if (static_cast<double>(written_since_check_) > kCheckShare * static_cast<double>(settings_.most_bytes)) keep_within_bounds();
}

// Called by the writer; other processes may do the same at the same time.
void DiskArchive::keep_within_bounds() {
  written_since_check_ = 0;
  std::vector<File> files = files_of(settings_.folder);
  std::int64_t total = 0;
  for (const File& file : files) total += file.bytes;
  std::ranges::sort(files, {}, &File::used);
  for (const File& file : files) {
    if (total <= settings_.most_bytes) break;
    std::error_code ignored;
    fs::remove(file.path, ignored);
    if (file.path.parent_path() == space_) index_.remove(file.path.stem().string());
    total -= file.bytes;
  }
}

}  // namespace pensieve::engine
