// What a merge will do, tensor by tensor, known before a byte of data is read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "gguf/adapter.h"
#include "merge/model_file.h"
#include "merge/recipe.h"

namespace pensieve::merge {

// Folded into the result: W + effective scale * B A.
struct AdapterInput {
  ModelFile file;
  gguf::Adapter adapter;
  double scale = 1;
};

struct Inputs {
  // Task arithmetic has the base first.
  std::vector<ModelFile> models;
  std::vector<AdapterInput> adapters;
};

// One of a tensor's sources with its share.
struct Term {
  std::size_t model = 0;
  double factor = 1;
};

struct AdapterTerm {
  std::size_t adapter = 0;
  std::size_t pair = 0;
  double scale = 1;  // the effective one
};

struct TensorPlan {
  std::string name;
  std::vector<std::uint64_t> dimensions;
  std::uint64_t elements = 0;
  gguf::TensorType type;     // as written
  std::uint64_t offset = 0;  // in the output's data
  std::uint64_t bytes = 0;
  bool slerp = false;  // of the two terms; their factors follow from `t` and the data
  double t = 0;
  std::vector<Term> terms;  // without those of factor 0
  std::vector<AdapterTerm> adapters;

  // Taken over bit for bit.
  [[nodiscard]] bool copied(const Inputs& inputs) const;
};

struct Plan {
  std::vector<TensorPlan> tensors;
  std::uint64_t data_bytes = 0;      // of the output, padding included
  std::uint64_t read_bytes = 0;      // of the inputs, once
  std::uint64_t largest_tensor = 0;  // as float32
  std::vector<std::string> notes;    // what a person should know
};

inline constexpr std::uint64_t kAlignment = 32;

// Checks that the inputs go together and assigns types and places. Errors: kInvalidArgument with the
// first difference; kUnsupported for a type that can't be written, naming the tensor.
Result<Plan> make_plan(const Inputs& inputs, const Recipe& recipe);

}  // namespace pensieve::merge
