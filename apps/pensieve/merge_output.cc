#include "merge_output.h"

#include <algorithm>
#include <format>
#include <glaze/glaze.hpp>
#include <map>
#include <print>
#include <tuple>

#include "words.h"

namespace pensieve::cli {
namespace merge_json {

struct TensorRow {
  std::string name;
  std::string how;
  double t = 0;
  std::string from;
  std::string type;
  std::uint64_t bytes = 0;
};

struct PlanDocument {
  std::string out;
  std::string method;
  std::vector<std::string> models;
  std::vector<std::string> adapters;
  std::int64_t file_bytes = 0;
  std::int64_t read_bytes = 0;
  std::int64_t memory_bytes = 0;
  std::uint64_t largest_tensor_bytes = 0;
  std::vector<std::string> notes;
  std::vector<TensorRow> tensors;
};

struct DoneDocument {
  std::string out;
  std::int64_t file_bytes = 0;
  std::int64_t written_bytes = 0;
  std::size_t resumed_tensors = 0;
  double seconds = 0;
};

}  // namespace merge_json

namespace {

// What happens to a tensor, in a word.
std::string how_of(const merge::TensorPlan& tensor, const merge::Inputs& inputs) {
  if (tensor.copied(inputs)) return "copied";
  std::string word = tensor.slerp ? "slerp" : tensor.terms.size() > 1 ? "sum" : "converted";
  if (!tensor.adapters.empty()) word = tensor.terms.size() > 1 ? word + " + adapter" : "adapter";
  return word;
}

std::string_view type_before(const merge::TensorPlan& tensor, const merge::Inputs& inputs) {
  return inputs.models[tensor.terms.front().model].find(tensor.name)->type.name;
}

Bytes bytes_of(std::uint64_t value) { return Bytes{static_cast<std::int64_t>(value)}; }

template <typename T>
std::string json_text(const T& document) {
  std::string text;
  if (glz::write<glz::opts{.prettify = true}>(document, text)) return "{}\n";
  return text + "\n";
}

}  // namespace

std::string merge_summary(const merge::Request& request, const merge::Prepared& prepared) {
  std::string names;
  for (const merge::ModelFile& model : prepared.inputs.models) names += std::format("{}{}", names.empty() ? "" : " + ", model.name());
  for (const merge::AdapterInput& input : prepared.inputs.adapters)
    names += std::format(" + adapter {} x {}", input.file.name(), input.scale);
  std::string text = std::format("{}: {} of {}, {} tensors\n", request.out.string(),
                                 prepared.inputs.models.size() > 1 ? merge::to_string(request.recipe.method) : "a copy", names,
                                 prepared.plan.tensors.size());
  text += std::format("reads {}, writes {}, takes at most {} of memory on {} threads\n", to_text(bytes_of(prepared.plan.read_bytes)),
                      to_text(prepared.file_bytes), to_text(prepared.memory), request.threads);
  for (const std::string& note : prepared.plan.notes) text += std::format("note: {}\n", note);
  return text;
}

std::string merge_plan_text(const merge::Request& request, const merge::Prepared& prepared, TableStyle style) {
  std::map<std::tuple<std::string, std::string, std::string>, std::tuple<std::int64_t, std::uint64_t>> groups;
  for (const merge::TensorPlan& tensor : prepared.plan.tensors) {
    auto& [count, bytes] =
        groups[{how_of(tensor, prepared.inputs), std::string(type_before(tensor, prepared.inputs)), std::string(tensor.type.name)}];
    ++count;
    bytes += tensor.bytes;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : groups) {
    rows.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::format("{}", std::get<0>(value)),
                    to_text(bytes_of(std::get<1>(value)))});
  }
  return merge_summary(request, prepared) + "\n" +
         render_table({{"TENSORS ARE"}, {"FROM"}, {"TO"}, {"COUNT", true}, {"SIZE", true}}, rows, style);
}

std::string merge_plan_json(const merge::Request& request, const merge::Prepared& prepared) {
  merge_json::PlanDocument document{.out = request.out.string(),
                                    .method = std::string(merge::to_string(request.recipe.method)),
                                    .file_bytes = prepared.file_bytes.value,
                                    .read_bytes = static_cast<std::int64_t>(prepared.plan.read_bytes),
                                    .memory_bytes = prepared.memory.value,
                                    .largest_tensor_bytes = prepared.plan.largest_tensor,
                                    .notes = prepared.plan.notes};
  for (const merge::ModelFile& model : prepared.inputs.models) document.models.push_back(model.path().string());
  for (const merge::AdapterInput& input : prepared.inputs.adapters) document.adapters.push_back(input.file.path().string());
  for (const merge::TensorPlan& tensor : prepared.plan.tensors) {
    document.tensors.push_back({.name = tensor.name,
                                .how = how_of(tensor, prepared.inputs),
                                .t = tensor.t,
                                .from = std::string(type_before(tensor, prepared.inputs)),
                                .type = std::string(tensor.type.name),
                                .bytes = tensor.bytes});
  }
  return json_text(document);
}

std::string merge_done(const merge::Request& request, const merge::Prepared& prepared, const merge::Outcome& outcome,
                       std::chrono::duration<double> elapsed, bool json) {
  if (json) {
    return json_text(merge_json::DoneDocument{.out = request.out.string(),
                                              .file_bytes = prepared.file_bytes.value,
                                              .written_bytes = outcome.written.value,
                                              .resumed_tensors = outcome.resumed_tensors,
                                              .seconds = elapsed.count()});
  }
  std::string text = std::format("{}: {} in {:.1f} s", request.out.string(), to_text(prepared.file_bytes), elapsed.count());
  if (outcome.resumed_tensors > 0) text += std::format(" ({} tensors were there from before)", outcome.resumed_tensors);
  return text + "\n";
}

void MergeProgress::show(const merge::Progress& state) {
  const auto now = std::chrono::steady_clock::now();
  if (first_ < 0) {
    first_ = state.done.value;
    begun_ = now;
  }
  if (!terminal_ || (shown_once_ && now - shown_ < std::chrono::milliseconds(200))) return;
  shown_ = now;
  shown_once_ = true;
  const double seconds = std::max(std::chrono::duration<double>(now - begun_).count(), 0.001);
  const double speed = static_cast<double>(state.done.value - first_) / seconds;
  const double share = state.total.value > 0 ? 100.0 * static_cast<double>(state.done.value) / static_cast<double>(state.total.value) : 100;
  const std::string left = speed > 0 ? duration_word(static_cast<std::int64_t>(static_cast<double>((state.total - state.done).value) / speed)) : "?";
  std::print(stderr, "\r{:5.1f} %  tensor {} of {}  {}/s  {} left    ", share, std::min(state.tensor + 1, state.tensors), state.tensors,
             to_text(Bytes{static_cast<std::int64_t>(speed)}), left);
}

void MergeProgress::end() const {
  if (shown_once_) std::println(stderr, "");
}

}  // namespace pensieve::cli
