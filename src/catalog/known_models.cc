#include "catalog/known_models.h"

#include <algorithm>
#include <format>
#include <toml++/toml.hpp>

#include "catalog/catalog_data.h"

namespace pensieve {
namespace {

using gguf::LayerShape;
using gguf::ModelShape;
using gguf::StateKind;

std::uint32_t count(const toml::table& table, const char* key) { return static_cast<std::uint32_t>(table[key].value_or(std::int64_t{0})); }

StateKind state_of(const ModelShape& shape, const toml::table& table) {
  if (table.contains("short_convolution")) return StateKind::kShortConvolution;
  if (shape.inner_size == 0) return StateKind::kNone;
  return shape.architecture.starts_with("qwen3") ? StateKind::kDeltaNet : StateKind::kMamba2;
}

LayerShape layer_of(const ModelShape& shape, const toml::table& table, std::uint32_t index) {
  const std::uint32_t interval = count(table, "attention_interval");
  const std::uint32_t period = count(table, "sliding_period");
  LayerShape layer;
  const bool stateful = interval > 0 && (index + 1) % interval != 0;
  if (stateful) {
    layer.state = state_of(shape, table);
    const std::uint64_t tail = std::max(shape.conv_kernel, 1U) - 1;
    layer.conv_elements = layer.state == StateKind::kShortConvolution
                              ? std::uint64_t{shape.embedding} * (count(table, "short_convolution") - 1)
                              : tail * (shape.inner_size + 2ULL * shape.groups * shape.state_size);
    layer.state_elements = std::uint64_t{shape.state_size} * shape.inner_size;
  } else {
    layer.attention = true;
    layer.heads = count(table, "heads");
    layer.kv_heads = count(table, "kv_heads");
    layer.key_length = layer.value_length = count(table, "head_length");
    layer.sliding = period > 0 && index % period < period - 1;
    layer.query_key_norm = shape.architecture.starts_with("qwen3");
    layer.query_gate = shape.architecture == "qwen35";
    layer.fused_qkv = shape.architecture == "phi3";
  }
  layer.feed_forward = count(table, "feed_forward");
  layer.gated = shape.architecture != "phi3";
  layer.fused_gate = !layer.gated;
  layer.expert_feed_forward = count(table, "expert_feed_forward");
  layer.shared_feed_forward = count(table, "shared_feed_forward");
  if (layer.expert_feed_forward > 0) layer.feed_forward = 0;
  return layer;
}

// Parameters of a layer: those that every token passes, and those in experts.
std::pair<double, double> parameters_of(const ModelShape& shape, const LayerShape& layer) {
  const double width = shape.embedding;
  double dense = 3.0 * width * (layer.feed_forward + layer.shared_feed_forward);
  if (layer.attention) {
    const double queries = static_cast<double>(layer.heads) * layer.key_length * (layer.query_gate ? 3 : 2);
    dense += width * (queries + 2.0 * layer.kv_heads * layer.key_length);
  } else if (layer.state == StateKind::kShortConvolution) {
    dense += 4.0 * width * width;
  } else {
    dense += width * (3.0 * shape.inner_size + 2.0 * shape.groups * shape.state_size);
  }
  return {dense, 3.0 * width * layer.expert_feed_forward * shape.experts};
}

ModelShape shape_from(const toml::table& table, std::int64_t context) {
  ModelShape shape{.architecture = table["architecture"].value_or(std::string("llama"))};
  shape.embedding = count(table, "embedding");
  shape.vocabulary = count(table, "vocabulary");
  shape.context_length = static_cast<std::uint64_t>(context);
  shape.experts = count(table, "experts");
  shape.experts_used = count(table, "experts_used");
  shape.sliding_window = count(table, "sliding_window");
  shape.conv_kernel = count(table, "conv_kernel");
  shape.inner_size = count(table, "inner_size");
  shape.state_size = count(table, "state_size");
  shape.state_heads = count(table, "state_heads");
  shape.groups = count(table, "groups");
  shape.tied_embeddings = table["tied"].value_or(false);
  shape.has_tokenizer = shape.has_chat_template = true;
  for (std::uint32_t i = 0; i < count(table, "layers"); ++i) shape.layers.push_back(layer_of(shape, table, i));
  return shape;
}

Result<KnownModel> model_from(const std::string& name, const toml::table& entry) {
  const auto text = [&](const char* key) { return entry[key].value_or(std::string()); };
  KnownModel model{.name = name,
                   .title = text("title"),
                   .repository = text("repository"),
                   .licence = text("licence"),
                   .role = text("role"),
                   .note = text("note")};
  model.context = entry["context"].value_or(std::int64_t{0});
  model.quality = entry["quality"].value<double>();
  model.quality_source = text("quality_source");
  model.claimed_tps = text("claimed_tps");
  if (const auto* list = entry["capabilities"].as_array()) {
    for (const auto& one : *list) model.capabilities.push_back(one.value_or(std::string()));
  }
  if (const auto* table = entry["domains"].as_table()) {
    for (const auto& [domain, value] : *table) model.domains[std::string(domain.str())] = value.value_or(0.0);
  }
  const auto* shape = entry["shape"].as_table();
  if (shape == nullptr) return fail(ErrorCode::kInvalidArgument, std::format("catalog: {} has no shape", name));
  model.shape = shape_from(*shape, model.context);
  if (model.shape.layers.empty() || model.shape.embedding == 0 || model.shape.vocabulary == 0) {
    return fail(ErrorCode::kInvalidArgument, std::format("catalog: {}: layers, embedding and vocabulary must be given", name));
  }
  if (const auto* files = entry["files"].as_array()) {
    for (const auto& one : *files) {
      const toml::table* file = one.as_table();
      if (file == nullptr) continue;
      model.files.push_back({(*file)["quantization"].value_or(std::string()), (*file)["name"].value_or(std::string()),
                             Bytes{(*file)["bytes"].value_or(std::int64_t{0})}, (*file)["sha256"].value_or(std::string())});
    }
  }
  if (model.files.empty()) return fail(ErrorCode::kInvalidArgument, std::format("catalog: {} names no file", name));
  return model;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y)); });
}

}  // namespace

Result<std::vector<KnownModel>> parse_known_models(std::string_view text) {
  try {
    std::vector<KnownModel> models;
    for (const auto& [name, value] : toml::parse(text)) {
      if (const toml::table* entry = value.as_table()) models.push_back(TRY(model_from(std::string(name.str()), *entry)));
    }
    return models;
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("catalog: {}", error.what()));
  }
}

const std::vector<KnownModel>& known_models() {
  static const std::vector<KnownModel> models = parse_known_models(kCatalogData).value_or(std::vector<KnownModel>());
  return models;
}

Result<KnownChoice> find_known(std::string_view name) {
  const std::size_t colon = name.find(':');
  const std::string_view base = name.substr(0, colon);
  const auto model = std::ranges::find_if(known_models(), [&](const KnownModel& m) { return same_word(m.name, base); });
  if (model == known_models().end()) {
    std::string names;
    for (const KnownModel& one : known_models()) names += (names.empty() ? "" : ", ") + one.name;
    return fail(ErrorCode::kNotFound, std::format("the catalog has no model '{}'", base), "it has " + names, "model");
  }
  if (colon == std::string_view::npos) return KnownChoice{&*model, &model->files.front()};
  const std::string_view wanted = name.substr(colon + 1);
  const auto file = std::ranges::find_if(model->files, [&](const KnownFile& f) { return same_word(f.quantization, wanted); });
  if (file != model->files.end()) return KnownChoice{&*model, &*file};
  std::string kinds;
  for (const KnownFile& one : model->files) kinds += (kinds.empty() ? "" : ", ") + one.quantization;
  return fail(ErrorCode::kNotFound, std::format("{} is not listed as {}", model->name, wanted), "there is " + kinds, "model");
}

ModelShape shape_of(const KnownModel& model, const KnownFile& file) {
  ModelShape shape = model.shape;
  shape.name = model.title;
  shape.quantization = file.quantization;
  shape.token_table_type = shape.output_type = "Q6_K";
  const double table = static_cast<double>(shape.vocabulary) * shape.embedding;
  double all = table * (shape.tied_embeddings ? 1 : 2);
  double active = table;
  for (const LayerShape& layer : shape.layers) {
    const auto [dense, expert] = parameters_of(shape, layer);
    all += dense + expert;
    active += dense + (shape.experts > 0 ? expert * shape.experts_used / shape.experts : 0);
  }
  const double each = static_cast<double>(file.bytes.value) / all;
  const auto share = [&](double parameters) { return Bytes{static_cast<std::int64_t>(parameters * each)}; };
  Bytes rest = file.bytes;
  for (LayerShape& layer : shape.layers) {
    const auto [dense, expert] = parameters_of(shape, layer);
    layer.dense_bytes = share(dense);
    layer.expert_bytes = share(expert);
    rest -= layer.dense_bytes + layer.expert_bytes;
    shape.expert_bytes_by_type[file.quantization] += layer.expert_bytes;
  }
  shape.token_table_bytes = shape.output_bytes = share(table);
  shape.bytes_by_type[file.quantization] = file.bytes;
  shape.other_bytes = rest - shape.token_table_bytes - (shape.tied_embeddings ? Bytes{0} : shape.output_bytes);
  shape.parameters = static_cast<std::uint64_t>(all);
  shape.active_parameters = static_cast<std::uint64_t>(active);
  shape.tensor_bytes = shape.file_bytes = file.bytes;
  return shape;
}

}  // namespace pensieve
