// Merges GGUF models into one: plan, header, tensors, file.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "merge/plan.h"

namespace pensieve::merge {

struct AdapterChoice {
  std::filesystem::path path;
  double scale = 1;
};

struct Request {
  std::vector<std::filesystem::path> models;
  std::filesystem::path base;  // task arithmetic; else empty
  std::vector<AdapterChoice> adapters;
  Recipe recipe;
  std::filesystem::path out;
  std::string name;  // general.name of the result; may be empty
  bool force = false;
  std::size_t threads = 1;
  std::chrono::milliseconds record_every = std::chrono::seconds(2);  // the work that an interruption may cost
};

// A merge that was found possible.
struct Prepared {
  Inputs inputs;
  Plan plan;
  std::string header;
  Bytes file_bytes;
  Bytes memory;  // the most that merging takes, beside the program itself
};

struct Progress {
  Bytes done;  // of the output
  Bytes total;
  std::size_t tensor = 0;
  std::size_t tensors = 0;
};

struct Outcome {
  std::size_t resumed_tensors = 0;  // done by an earlier start
  Bytes written;                    // by this one
};

// Opens and checks everything; writes nothing. Errors: kInvalidArgument (naming the first difference, a
// wrong weight, an existing output without `force`), kNotFound, kIo, kUnsupported.
Result<Prepared> prepare(const Request& request);

// Makes the output. `progress` is called often, on the calling thread; false ends the merge with
// kCancelled. After any error the same request goes on where it stopped.
Result<Outcome> run(const Request& request, const Prepared& prepared, const std::function<bool(const Progress&)>& progress);

}  // namespace pensieve::merge
