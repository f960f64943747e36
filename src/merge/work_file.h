// The output while it is made. Beside OUT lie
//   OUT.merge-part    the file as it will be, its tensors filled in one after the other,
//   OUT.merge-state   a line that tells what is being made (a hash of inputs and recipe) and how many
//                     tensors of it have reached the disk.
// The state is written only after the data that it speaks of was synced, so whatever ends the process,
// or the machine, the next start takes up at the last state or begins anew. OUT appears at the end only,
// whole, by rename. The part file is locked while a merge writes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"

namespace pensieve::merge {

class WorkFile {
 public:
  // Takes up what an earlier start left for the same `job`, or begins anew. Checks the disk's space for
  // `bytes` in all. Errors: kIo with what to do; kUnavailable if another process is at it.
  static Result<WorkFile> open(const std::filesystem::path& out, const std::string& job, const std::string& header, std::uint64_t bytes);
  ~WorkFile();
  WorkFile(WorkFile&& other) noexcept;
  WorkFile& operator=(WorkFile&&) = delete;
  WorkFile(const WorkFile&) = delete;
  WorkFile& operator=(const WorkFile&) = delete;

  // Tensors that an earlier start has finished.
  [[nodiscard]] std::size_t finished() const { return finished_; }

  // Writes at `offset` of the file. Any thread. Error kIo; what is written stays for the next start.
  Result<void> write(std::uint64_t offset, std::span<const char> bytes) const;
  // Any thread, one at a time. Makes all written so far last, and notes that `tensors` are finished.
  Result<void> record(std::size_t tensors);
  // Removes what was written when the object goes: it is of no use to another start.
  void remove_at_end() { remove_ = true; }
  // Puts the whole file under its name. Without `replace`, an existing file is an error.
  Result<void> commit(bool replace);

 private:
  WorkFile() = default;

  std::filesystem::path out_;
  std::filesystem::path part_;
  std::filesystem::path state_;
  std::string job_;
  int descriptor_ = -1;
  std::size_t finished_ = 0;
  bool remove_ = false;
};

}  // namespace pensieve::merge
