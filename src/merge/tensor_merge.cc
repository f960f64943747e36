#include "merge/tensor_merge.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <format>

#include "merge/parallel.h"
#include "merge/slerp.h"
#include "merge/tensor_codec.h"
#include "merge/vector_kernels.h"

namespace pensieve::merge {
namespace {

constexpr std::size_t kPieceElements = 256 * kPieceUnit;
constexpr std::size_t kMostElementBytes = 8;  // I64, F64

std::size_t pieces_of(std::uint64_t elements) { return (elements + kPieceElements - 1) / kPieceElements; }

}  // namespace

struct TensorMerger::Job {
  const TensorPlan& tensor;
  const Sink& sink;
  const Tick& tick;
  std::vector<Term> terms = tensor.terms;
  std::vector<LoraDelta> deltas = {};
  std::atomic<std::uint64_t> made = 0;

  [[nodiscard]] std::size_t pieces() const { return pieces_of(tensor.elements); }
  [[nodiscard]] Piece piece(std::size_t index) const {
    const std::uint64_t begin = index * kPieceElements;
    return {begin, static_cast<std::size_t>(std::min<std::uint64_t>(kPieceElements, tensor.elements - begin))};
  }
  // Writes a finished piece and tells it.
  Result<void> put(Piece piece, std::span<const char> bytes, bool calling_thread) {
    TRY_VOID(sink(tensor.offset + encoded_bytes(tensor.type, piece.begin), bytes));
    made += bytes.size();
    if (calling_thread && !tick(made.exchange(0))) return fail(ErrorCode::kCancelled, "the merge was interrupted");
    return {};
  }
};

TensorMerger::TensorMerger(const Inputs& inputs, std::size_t threads) : inputs_(inputs), scratch_(std::max<std::size_t>(1, threads)) {
  for (Scratch& scratch : scratch_) {
    scratch.raw.resize(kPieceElements * kMostElementBytes);
    scratch.encoded.resize(kPieceElements * kMostElementBytes);
    scratch.first.resize(kPieceElements);
    scratch.second.resize(kPieceElements);
    scratch.sums.resize(kPieceElements);
  }
}

Bytes TensorMerger::memory(const Inputs& inputs, const Plan& plan, std::size_t threads) {
  constexpr std::size_t kScratch = kPieceElements * (2 * kMostElementBytes + 2 * sizeof(float) + sizeof(double));
  std::uint64_t factors = 0;
  for (const TensorPlan& tensor : plan.tensors) {
    std::uint64_t elements = 0;
    for (const AdapterTerm& term : tensor.adapters) {
      const gguf::AdapterPair& pair = inputs.adapters[term.adapter].adapter.pairs[term.pair];
      // Beside the floats, for a moment, what they are decoded or transposed from.
      elements += pair.a.elements + pair.b.elements + std::max(pair.a.elements, pair.b.elements);
    }
    factors = std::max<std::uint64_t>(factors, elements * sizeof(float));
  }
  const std::uint64_t sums = pieces_of(plan.largest_tensor / sizeof(float)) * sizeof(DotProducts);
  return Bytes{static_cast<std::int64_t>(threads * kScratch + factors + sums)};
}

Result<std::span<char>> TensorMerger::raw(const Job& job, const Term& term, Piece piece, std::vector<char>& into) const {
  const ModelFile& file = inputs_.models[term.model];
  const gguf::Tensor& source = *file.find(job.tensor.name);
  const std::span<char> bytes(into.data(), encoded_bytes(source.type, piece.elements));
  TRY_VOID(file.read(source, encoded_bytes(source.type, piece.begin), bytes));
  return bytes;
}

Result<std::span<const float>> TensorMerger::decoded(const Job& job, const Term& term, Piece piece, Scratch& scratch,
                                                     std::vector<float>& into) const {
  const std::span<char> bytes = TRY(raw(job, term, piece, scratch.raw));
  const std::span<float> floats(into.data(), piece.elements);
  decode(inputs_.models[term.model].find(job.tensor.name)->type, bytes, floats);
  return std::span<const float>(floats);
}

// Which of the inputs it is that spoils the result.
Error TensorMerger::not_finite(const Job& job, Piece piece, Scratch& scratch) const {
  for (const Term& term : job.terms) {
    const Result<std::span<const float>> values = decoded(job, term, piece, scratch, scratch.first);
    if (!values || magnitude(*values).finite) continue;
    return {ErrorCode::kInvalidArgument,
            std::format("tensor {} of '{}' holds NaN or infinity, which a merge would spread", job.tensor.name,
                        inputs_.models[term.model].path().string()),
            "use a sound copy of this model", ""};
  }
  return {ErrorCode::kInvalidArgument, std::format("the merged tensor {} is not finite", job.tensor.name),
          "use smaller weights or scales, or sound models", ""};
}

Result<void> TensorMerger::copy(Job& job, const Term& source) {
  return for_each_piece(job.pieces(), scratch_.size(), [&](std::size_t index, std::size_t worker) -> Result<void> {
    const Piece piece = job.piece(index);
    return job.put(piece, TRY(raw(job, source, piece, scratch_[worker].raw)), worker == 0);
  });
}

// Whether all sources have the very bytes of the first, which then are the result: quantizing them
// again would only lose. The first piece tells nearly always.
Result<bool> TensorMerger::identical(Job& job) {
  double sum = 0;
  for (const Term& term : job.terms) {
    sum += term.factor;
    if (inputs_.models[term.model].find(job.tensor.name)->type.id != job.tensor.type.id) return false;
  }
  if (job.terms.size() < 2 || std::abs(sum - 1) > 1e-9 || !job.deltas.empty()) return false;
  std::atomic<bool> same = true;
  const auto compare = [&](std::size_t index, std::size_t worker) -> Result<void> {
    const Piece piece = job.piece(index);
    Scratch& scratch = scratch_[worker];
    const std::span<char> first = TRY(raw(job, job.terms.front(), piece, scratch.raw));
    for (std::size_t other = 1; other < job.terms.size() && same; ++other) {
      const std::span<char> bytes = TRY(raw(job, job.terms[other], piece, scratch.encoded));
      if (std::memcmp(first.data(), bytes.data(), bytes.size()) != 0) same = false;
    }
    return {};
  };
  TRY_VOID(compare(0, 0));
  if (!same) return false;
  TRY_VOID(for_each_piece(job.pieces(), scratch_.size(),
                          [&](std::size_t index, std::size_t worker) { return same ? compare(index, worker) : Result<void>(); }));
  return same.load();
}

Result<void> TensorMerger::find_angle(Job& job) {
  std::vector<DotProducts> products(job.pieces());
  TRY_VOID(for_each_piece(job.pieces(), scratch_.size(), [&](std::size_t index, std::size_t worker) -> Result<void> {
    const Piece piece = job.piece(index);
    Scratch& scratch = scratch_[worker];
    const std::span<const float> a = TRY(decoded(job, job.terms[0], piece, scratch, scratch.first));
    const std::span<const float> b = TRY(decoded(job, job.terms[1], piece, scratch, scratch.second));
    products[index] = dot_products(a, b);
    if (!std::isfinite(products[index].aa + products[index].bb)) return std::unexpected(not_finite(job, piece, scratch));
    return {};
  }));
  DotProducts sum;
  for (const DotProducts& one : products) {
    sum.aa += one.aa;
    sum.bb += one.bb;
    sum.ab += one.ab;
  }
  const SlerpFactors factors = slerp_factors(sum, job.tensor.t);
  job.terms[0].factor = factors.a;
  job.terms[1].factor = factors.b;
  return {};
}

Result<void> TensorMerger::write_piece(Job& job, Piece piece, Scratch& scratch) {
  const std::span<float> result(scratch.first.data(), piece.elements);
  if (job.terms.size() == 2 && job.deltas.empty()) {
    TRY_VOID(decoded(job, job.terms[0], piece, scratch, scratch.first));
    const std::span<const float> b = TRY(decoded(job, job.terms[1], piece, scratch, scratch.second));
    combine(job.terms[0].factor, result, job.terms[1].factor, b, result);
  } else {
    const std::span<double> sums(scratch.sums.data(), piece.elements);
    std::ranges::fill(sums, 0.0);
    for (const Term& term : job.terms) add_scaled(term.factor, TRY(decoded(job, term, piece, scratch, scratch.first)), sums);
    for (const LoraDelta& delta : job.deltas) delta.add(piece.begin, sums);
    round_to_float(sums, result);
  }
  const Magnitude size = magnitude(result);
  if (!size.finite) return std::unexpected(not_finite(job, piece, scratch));
  if (size.largest > largest_value(job.tensor.type)) {
    return fail(ErrorCode::kInvalidArgument,
                std::format("tensor {} reaches {}, which {} can't hold", job.tensor.name, size.largest, job.tensor.type.name),
                "write it with --type bf16 or f32");
  }
  encode(job.tensor.type, result, {scratch.encoded.data(), encoded_bytes(job.tensor.type, piece.elements)});
  return {};
}

Result<void> TensorMerger::write(Job& job) {
  return for_each_piece(job.pieces(), scratch_.size(), [&](std::size_t index, std::size_t worker) -> Result<void> {
    const Piece piece = job.piece(index);
    Scratch& scratch = scratch_[worker];
    TRY_VOID(write_piece(job, piece, scratch));
    return job.put(piece, {scratch.encoded.data(), encoded_bytes(job.tensor.type, piece.elements)}, worker == 0);
  });
}

Result<void> TensorMerger::merge(const TensorPlan& tensor, const Sink& sink, const Tick& tick) {
  Job job{.tensor = tensor, .sink = sink, .tick = tick};
  if (tensor.copied(inputs_)) {
    TRY_VOID(copy(job, tensor.terms.front()));
  } else {
    for (const AdapterTerm& term : tensor.adapters) {
      job.deltas.push_back(TRY(LoraDelta::load(inputs_.adapters[term.adapter], term, tensor)));
    }
    if (TRY(identical(job))) {
      TRY_VOID(copy(job, job.terms.front()));
    } else {
      if (tensor.slerp) TRY_VOID(find_angle(job));
      TRY_VOID(write(job));
    }
  }
  if (!tick(job.made)) return fail(ErrorCode::kCancelled, "the merge was interrupted");
  return {};
}

}  // namespace pensieve::merge
