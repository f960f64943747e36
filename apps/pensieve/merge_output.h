// What `pensieve merge` tells.
#pragma once

#include <chrono>
#include <string>

#include "cli/table.h"
#include "merge/merge.h"

namespace pensieve::cli {

// The whole plan: for people a table of what happens to which tensors, as JSON tensor by tensor.
std::string merge_plan_text(const merge::Request& request, const merge::Prepared& prepared, TableStyle style);
std::string merge_plan_json(const merge::Request& request, const merge::Prepared& prepared);

// Some lines before it starts: what is made, its size, the memory that it takes, what to know.
std::string merge_summary(const merge::Request& request, const merge::Prepared& prepared);

// The last line, or object.
std::string merge_done(const merge::Request& request, const merge::Prepared& prepared, const merge::Outcome& outcome,
                       std::chrono::duration<double> elapsed, bool json);

// One line on a terminal, rewritten a few times a second, with the time left.
class MergeProgress {
 public:
  explicit MergeProgress(bool terminal) : terminal_(terminal) {}
  void show(const merge::Progress& state);
  void end() const;

 private:
  bool terminal_;
  bool shown_once_ = false;
  std::int64_t first_ = -1;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace pensieve::cli
