#include "merge/merge.h"

#include <format>
#include <system_error>

#include "base/sha256.h"
#include "merge/provenance.h"
#include "merge/recorder.h"
#include "merge/tensor_merge.h"
#include "merge/work_file.h"

namespace pensieve::merge {
namespace {

namespace fs = std::filesystem;

Result<void> check_output(const Request& request) {
  std::error_code error;
  if (request.out.empty()) return fail(ErrorCode::kInvalidArgument, "no output is named", "add --out FILE.gguf");
  if (fs::is_directory(request.out, error)) {
    return fail(ErrorCode::kInvalidArgument, std::format("'{}' is a folder", request.out.string()), "name a file with --out");
  }
  if (const fs::path folder = request.out.parent_path(); !folder.empty() && !fs::is_directory(folder, error)) {
    return fail(ErrorCode::kNotFound, std::format("there is no folder '{}'", folder.string()), "make it, or choose another --out");
  }
  std::vector<fs::path> read = request.models;
  for (const AdapterChoice& adapter : request.adapters) read.push_back(adapter.path);
  read.push_back(request.base);
  for (const fs::path& path : read) {
    if (!fs::equivalent(path, request.out, error)) continue;
    return fail(ErrorCode::kInvalidArgument, std::format("'{}' is an input too", request.out.string()), "choose another --out");
  }
  if (!request.force && fs::exists(request.out, error)) {
    return fail(ErrorCode::kInvalidArgument, std::format("'{}' exists", request.out.string()), "add --force to replace it");
  }
  return {};
}

Result<Inputs> open_inputs(const Request& request) {
  Inputs inputs;
  if (request.recipe.method == Method::kTaskArithmetic) {
    if (request.base.empty()) return fail(ErrorCode::kInvalidArgument, "task arithmetic needs the base model", "add --base BASE.gguf");
    inputs.models.push_back(TRY(ModelFile::open_model(request.base)));
  } else if (!request.base.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--base belongs to task arithmetic", "add --method task-arithmetic");
  }
  for (const fs::path& path : request.models) inputs.models.push_back(TRY(ModelFile::open_model(path)));
  for (const AdapterChoice& choice : request.adapters) {
    ModelFile file = TRY(ModelFile::open_adapter(choice.path));
    Result<gguf::Adapter> adapter = gguf::read_adapter(file.header());
    if (!adapter) return std::unexpected(with_context(adapter.error(), std::format("'{}'", choice.path.string())));
    inputs.adapters.push_back({std::move(file), std::move(*adapter), choice.scale});
  }
  return inputs;
}

// What is made of what: of equal jobs, one may go on where the other stopped.
std::string job_hash(const Prepared& prepared) {
  std::string text = prepared.header;
  for (const ModelFile& model : prepared.inputs.models) text += model.identity();
  for (const AdapterInput& adapter : prepared.inputs.adapters) text += std::format("{}{}", adapter.file.identity(), adapter.scale);
  for (const TensorPlan& tensor : prepared.plan.tensors) {
    text += std::format("{} {} {} ", tensor.slerp, tensor.t, tensor.terms.size());
    for (const Term& term : tensor.terms) text += std::format("{} {} ", term.model, term.factor);
  }
  return sha256_hex(text);
}

// Makes all tensors that are not finished.
Result<void> merge_tensors(const Request& request, const Prepared& prepared, TensorMerger& merger, WorkFile& file, Progress& state,
                           const TensorMerger::Sink& sink, const TensorMerger::Tick& tick) {
  Recorder recorder(file, request.record_every);
  for (const TensorPlan& tensor : prepared.plan.tensors) {
    if (state.tensor < file.finished()) {
      state.done += Bytes{static_cast<std::int64_t>(tensor.bytes)};
    } else {
      TRY_VOID(merger.merge(tensor, sink, tick));
    }
    recorder.finished(++state.tensor);
  }
  return {};
}

}  // namespace

Result<Prepared> prepare(const Request& request) {
  TRY_VOID(check_output(request));
  Prepared prepared{.inputs = TRY(open_inputs(request))};
  prepared.plan = TRY(make_plan(prepared.inputs, request.recipe));
  prepared.header = TRY(output_header(prepared.inputs, request.recipe, prepared.plan, request.name));
  prepared.file_bytes = Bytes{static_cast<std::int64_t>(prepared.header.size() + prepared.plan.data_bytes)};
  prepared.memory =
      TensorMerger::memory(prepared.inputs, prepared.plan, request.threads) + Bytes{static_cast<std::int64_t>(2 * prepared.header.size())};
  return prepared;
}

Result<Outcome> run(const Request& request, const Prepared& prepared, const std::function<bool(const Progress&)>& progress) {
  const auto& tensors = prepared.plan.tensors;
  WorkFile file =
      TRY(WorkFile::open(request.out, job_hash(prepared), prepared.header, static_cast<std::uint64_t>(prepared.file_bytes.value)));
  TensorMerger merger(prepared.inputs, request.threads);
  Outcome outcome{.resumed_tensors = std::min(file.finished(), tensors.size())};
  Progress state{.total = Bytes{static_cast<std::int64_t>(prepared.plan.data_bytes)}, .tensors = tensors.size()};
  const auto sink = [&](std::uint64_t offset, std::span<const char> bytes) { return file.write(prepared.header.size() + offset, bytes); };
  const auto tick = [&](std::uint64_t bytes) {
    state.done += Bytes{static_cast<std::int64_t>(bytes)};
    outcome.written += Bytes{static_cast<std::int64_t>(bytes)};
    return progress(state);
  };
  if (const Result<void> merged = merge_tensors(request, prepared, merger, file, state, sink, tick); !merged) {
    // After an error that another start may not meet again it goes on with what is whole; after others
    // there is nothing to go on with. A full disk may refuse the note: then it goes on from the last one.
    if (merged.error().code == ErrorCode::kInvalidArgument) {
      file.remove_at_end();
    } else if (state.tensor > file.finished()) {
      (void)file.record(state.tensor);
    }
    return std::unexpected(merged.error());
  }
  TRY_VOID(file.commit(request.force));
  return outcome;
}

}  // namespace pensieve::merge
