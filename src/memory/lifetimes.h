// The size of the one buffer in which a graph's intermediate tensors live one after the other.
//
// ggml places each tensor when its operation comes and gives its room back after its last use: the
// smallest gap that fits, else the end; an operation that can work in place takes over its input's
// room. The peak therefore depends on the order of operations, on which gaps fit, and is no sum of
// sizes. Replaying that policy on the graph's sizes gives it to the byte, in microseconds, without
// any tensor.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace pensieve::memory {

class Lifetimes {
 public:
  struct Tensor {
    int id = -1;
  };
  // How an operation reads a tensor: itself or through a view. What is read through a view is
  // never overwritten in place.
  struct Use {
    int id = -1;
    bool view = false;
    Use(Tensor tensor) : id(tensor.id) {}  // NOLINT(google-explicit-constructor): reads as in a graph
    Use(int index, bool through_view) : id(index), view(through_view) {}
  };
  static Use view(Tensor tensor) { return {tensor.id, true}; }

  // For that many tensors, so that adding them does not allocate.
  void reserve(std::size_t tensors) { nodes_.reserve(tensors); }
  // Room of one of the graph's inputs, taken before anything else and given back after its last use
  // (never, if nothing reads it).
  Tensor input(std::uint64_t bytes);
  // The next operation: its result's bytes (0: it writes elsewhere, e.g. into a cache) and what it
  // reads. `in_place`: it may take over the room of an input of the same size that nothing else
  // reads.
  Tensor operation(std::uint64_t bytes, std::initializer_list<Use> uses, bool in_place = false);
  // Never given back (an output, or a result that nothing reads).
  void keep(Tensor tensor);

  [[nodiscard]] std::uint64_t peak_bytes() const;

 private:
  static constexpr int kMostUses = 4;
  struct Node {
    std::uint64_t bytes = 0;
    int uses[kMostUses] = {-1, -1, -1, -1};
    bool views[kMostUses] = {};
    bool in_place = false;
    bool input = false;
    bool kept = false;
  };
  std::vector<Node> nodes_;
};

}  // namespace pensieve::memory
