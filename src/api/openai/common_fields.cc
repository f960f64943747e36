#include "api/openai/common_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <format>

#include "api/content.h"

namespace pensieve::api::openai {
namespace {

constexpr int kMaxChoices = 8;
constexpr std::size_t kMaxStops = 16;  // OpenAI allows 4; local clients send more

Result<void> parse_logit_bias(const Fields& body, Sampling& sampling) {
  const Json* bias = body.find("logit_bias");
  if (bias == nullptr) return {};
  if (!bias->is_object()) return body.wrong("logit_bias", "must be an object");
  for (const auto& [key, value] : bias->get_object()) {
    std::int32_t token = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc{} || end != key.data() + key.size() || token < 0) return body.wrong("logit_bias", "keys must be token ids");
    if (!value.is_number() || !(std::abs(value.as_number()) <= 100))
      return body.wrong("logit_bias", "values must be numbers from -100 to 100");
    sampling.logit_bias.push_back({token, static_cast<float>(value.as_number())});
  }
  return {};
}

}  // namespace

std::unexpected<Error> unsupported(const std::string& param, std::string_view problem, std::string advice) {
  return fail(ErrorCode::kUnsupported, std::format("{}: {}", param, problem), std::move(advice), param);
}

Result<void> parse_stop(const Fields& body, GenerationRequest& request) {
  const Json* stop = body.find("stop");
  if (stop == nullptr) return {};
  if (stop->is_string()) {
    request.stop = {stop->get_string()};
  } else {
    if (!stop->is_array()) return body.wrong("stop", "must be a string or an array of strings");
    const Json::array_t* stops = &stop->get_array();
    if (stops->size() > kMaxStops) return body.wrong("stop", std::format("more than {} sequences", kMaxStops));
    for (const Json& one : *stops) {
      if (!one.is_string()) return body.wrong("stop", "must be a string or an array of strings");
      request.stop.push_back(one.get_string());
    }
  }
  std::erase(request.stop, "");
  return {};
}

Result<void> parse_sampling(const Fields& body, GenerationRequest& request) {
  Sampling& sampling = request.sampling;
  sampling.temperature = static_cast<float>(TRY(body.number("temperature", 0, 2)).value_or(1));
  sampling.top_p = static_cast<float>(TRY(body.number("top_p", 0, 1)).value_or(1));
  sampling.top_k = static_cast<std::int32_t>(TRY(body.integer("top_k", 0, 1'000'000'000)).value_or(0));
  sampling.min_p = static_cast<float>(TRY(body.number("min_p", 0, 1)).value_or(0));
  sampling.repetition_penalty = static_cast<float>(TRY(body.number("repetition_penalty", 0.01, 10)).value_or(1));
  sampling.frequency_penalty = static_cast<float>(TRY(body.number("frequency_penalty", -2, 2)).value_or(0));
  sampling.presence_penalty = static_cast<float>(TRY(body.number("presence_penalty", -2, 2)).value_or(0));
  if (const auto seed = TRY(body.integer("seed", -(std::int64_t{1} << 53), std::int64_t{1} << 53))) {
    sampling.seed = static_cast<std::uint32_t>(*seed);
  }
  return parse_logit_bias(body, sampling);
}

Result<void> set_format(const Fields& holder, const std::string& type, GenerationRequest& request) {
  if (type == "text") return {};
  const Json* schema = holder.find("schema");
  // Other servers take a schema there too; it is kept rather than passed over.
  if (type == "json_object" && schema == nullptr) {
    request.output_format = OutputFormat::kJsonObject;
    return {};
  }
  if (type != "json_schema" && type != "json_object") return holder.wrong("type", "must be text, json_object or json_schema");
  if (schema == nullptr) return holder.wrong("schema", "is required");
  if (!schema->is_object() && !schema->is_boolean()) return holder.wrong("schema", "must be an object");
  request.output_format = OutputFormat::kJsonSchema;
  request.output_schema = to_json_text(*schema);
  return {};
}

Result<void> parse_format(const Fields& body, GenerationRequest& request) {
  if (const Json* format = body.find("response_format")) {
    const Fields fields = TRY(Fields::of(*format, "response_format"));
    const std::string type = TRY(fields.required_text("type"));
    const Json* nested = type == "json_schema" ? fields.find("json_schema") : format;
    if (nested == nullptr) return fields.wrong("json_schema", "is required");
    const Fields holder = TRY(Fields::of(*nested, nested == format ? "response_format" : fields.path("json_schema")));
    TRY_VOID(set_format(holder, type, request));
  }
  const auto grammar = TRY(body.text("grammar"));
  if (!grammar) return {};
  if (request.output_format != OutputFormat::kText) return body.wrong("grammar", "may not be given beside response_format");
  request.output_format = OutputFormat::kGrammar;
  request.output_schema = *grammar;
  return {};
}

Result<void> parse_streaming(const Fields& body, ParsedRequest& parsed) {
  parsed.stream = TRY(body.boolean("stream")).value_or(false);
  const Json* options = body.find("stream_options");
  if (options == nullptr) return {};
  if (!parsed.stream) return body.wrong("stream_options", "may only be given with stream");
  const Fields fields = TRY(Fields::of(*options, "stream_options"));
  parsed.include_usage = TRY(fields.boolean("include_usage")).value_or(false);
  return {};
}

Result<void> add_choices(const Fields& body, const std::vector<GenerationRequest>& prompts, ParsedRequest& parsed) {
  parsed.per_prompt = static_cast<std::size_t>(TRY(body.integer("n", 1, kMaxChoices)).value_or(1));
  for (const GenerationRequest& prompt : prompts) {
    for (std::uint32_t i = 0; i < parsed.per_prompt; ++i) {
      GenerationRequest& choice = parsed.requests.emplace_back(prompt);
      if (choice.sampling.seed) *choice.sampling.seed += i;
    }
  }
  return {};
}

Result<Image> image_part(const Fields& part) {
  const Json* url = part.find("image_url");
  if (url == nullptr) {
    if (part.find("file_id"))
      return unsupported(part.path("file_id"), "no files are kept here", "send the image as a data: URL in image_url");
    return part.wrong("image_url", "is required");
  }
  if (url->is_string()) return image_of_url(url->get_string(), part.path("image_url"));
  const Fields fields = TRY(Fields::of(*url, part.path("image_url")));
  return image_of_url(TRY(fields.required_text("url")), fields.path("url"));
}

}  // namespace pensieve::api::openai
