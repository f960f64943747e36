#include "api/ollama/model_json.h"

#include <chrono>
#include <format>

#include "api/json_value.h"
#include "api/ollama/answer.h"
#include "base/sha256.h"
#include "base/utf8.h"

namespace pensieve::api::ollama {
namespace {

std::string text_json(std::string_view text) { return json_string(replace_invalid_utf8(text)); }

// Tells one file from another, as Ollama's digest does. Summing gigabytes for a list would take too
// long, so it is of what the file is known by.
std::string digest(const InstalledModel& model) {
  Sha256 sum;
  const std::string facts = std::format("{}:{}:{}", model.path, model.file_bytes, model.modified_unix);
  sum.add(facts);
  return sum.hex();
}

std::string parameter_size(std::int64_t parameters) {
  const auto count = static_cast<double>(parameters);
  return count >= 1e9 ? std::format("{:.1f}B", count / 1e9) : std::format("{:.2f}M", count / 1e6);
}

std::string details_json(const InstalledModel& model) {
  const std::string family = text_json(model.architecture);
  return std::format(R"({{"parent_model":"","format":"gguf","family":{},"families":[{}],"parameter_size":"{}","quantization_level":{}}})",
                     family, family, parameter_size(model.parameters), text_json(model.quantization));
}

std::string modified(const InstalledModel& model) { return timestamp(std::chrono::sys_seconds(std::chrono::seconds(model.modified_unix))); }

std::string tagged(std::string_view name) { return json_string(std::format("{}:latest", name)); }

std::string value_json(const gguf::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text_json(*text);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::uint64_t>(&value)) return std::to_string(*whole);
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) return std::isfinite(*real) ? std::format("{}", *real) : "null";
  return "null";  // arrays are left out, as Ollama does without `verbose`
}

std::string model_info(const InstalledModel& model, const gguf::Header& header) {
  std::string out = std::format(R"("general.parameter_count":{})", model.parameters);
  for (const auto& [key, value] : header.metadata) {
    if (key == "general.parameter_count" || key == "tokenizer.chat_template") continue;
    out += std::format(",{}:{}", text_json(key), value_json(value));
  }
  return "{" + out + "}";
}

// What clients ask before they offer tools, thinking, images or infilling.
std::string capabilities(const InstalledModel& model, const gguf::Header& header) {
  if (model.makes_embeddings) return R"(["embedding"])";
  const std::string chat = header.text("tokenizer.chat_template").value_or("");
  std::string out = R"(["completion","tools")";  // by a convention of our own where the template has none
  if (chat.contains("enable_thinking") || chat.contains("<think>")) out += R"(,"thinking")";
  if (!model.projector.empty()) out += R"(,"vision")";
  for (const char* key : {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"}) {
    if (header.number(key)) {
      out += R"(,"insert")";
      break;
    }
  }
  return out + "]";
}

}  // namespace

std::string tag_json(const InstalledModel& model, std::string_view name) {
  return std::format(R"({{"name":{},"model":{},"modified_at":"{}","size":{},"digest":"{}","details":{}}})", tagged(name), tagged(name),
                     modified(model), model.file_bytes, digest(model), details_json(model));
}

// A model that stays for good expires when nobody lives to see it, as in Ollama.
std::string running_json(const InstalledModel& model, const ModelStatus& status) {
  const std::int64_t left =
      status.idle_limit_seconds < 0 ? std::int64_t{100} * 365 * 86'400 : status.idle_limit_seconds - status.idle_seconds;
  const auto expires = std::chrono::system_clock::now() + std::chrono::seconds(std::max<std::int64_t>(left, 0));
  const std::int64_t bytes = status.weights_bytes + status.kv_bytes + status.compute_bytes;
  return std::format(R"({{"name":{},"model":{},"size":{},"digest":"{}","details":{},"expires_at":"{}","size_vram":0,"context_length":{}}})",
                     tagged(model.id), tagged(model.id), bytes, digest(model), details_json(model), timestamp(expires),
                     status.context_tokens);
}

std::string show_json(const InstalledModel& model, const gguf::Header& header) {
  return std::format(
      R"({{"license":{},"modelfile":{},"parameters":"","template":{},"details":{},"model_info":{},"capabilities":{},"modified_at":"{}"}})",
      text_json(header.text("general.license").value_or("")), text_json("FROM " + model.path),
      text_json(header.text("tokenizer.chat_template").value_or("")), details_json(model), model_info(model, header),
      capabilities(model, header), modified(model));
}

}  // namespace pensieve::api::ollama
