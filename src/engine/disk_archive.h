// Conversations kept as files, through a change of model and a restart.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "engine/state_archive.h"
#include "engine/state_index.h"

namespace pensieve::engine {

// One folder for all models, with a folder in it for each model and form of cache (`space`): a state is
// good for that model only. Several processes may use the same folder, each another space. The oldest
// files of all spaces go when `most_bytes` are passed. A thread of its own writes.
class DiskArchive final : public StateArchive {
 public:
  struct Settings {
    std::filesystem::path folder;
    std::string space;
    std::int64_t most_bytes = 0;
    std::size_t most_waiting_bytes = 256U << 20U;  // that wait to be written, before store() waits itself
  };

  // Makes the folders, readable by the owner only, and reads in the background what is there. Error kIo.
  static Result<std::unique_ptr<DiskArchive>> open(Settings settings);
  ~DiskArchive() override;  // when all is written

  [[nodiscard]] std::vector<StatePiece> find(const StateId& parent, std::span<const Token> tokens, std::size_t reach) override;
  [[nodiscard]] bool contains(const StateId& id) override;
  void store(StatePiece piece, std::vector<char> state) override;
  std::optional<std::vector<char>> read(const StatePiece& piece) override;
  void remove(const StateId& id) override;

 private:
  struct Waiting {
    StatePiece piece;
    std::vector<char> state;
  };

  explicit DiskArchive(Settings settings);
  void run();
  void read_folder();
  void write(const Waiting& waiting);
  void keep_within_bounds();
  void forget(const StateId& id);
  void mark_used(const StatePiece& piece) const;
  [[nodiscard]] std::filesystem::path file_of(const StateId& id) const;

  Settings settings_;
  std::filesystem::path space_;

  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  StateIndex index_;
  std::deque<std::shared_ptr<const Waiting>> waiting_;  // the first may be in writing
  std::size_t waiting_bytes_ = 0;
  std::int64_t written_since_check_ = 0;
  bool ready_ = false;  // the folder has been read
  bool closing_ = false;

  std::thread writer_;
};

}  // namespace pensieve::engine
