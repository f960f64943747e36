#include <bit>
#include <cmath>
#include <format>

#include "api/embedding_batches.h"
#include "api/json_value.h"
#include "api/openai/common_fields.h"
#include "api/openai/routes.h"
#include "base/base64.h"

namespace pensieve::api::openai {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostInputs = 2048;

struct ParsedEmbedding {
  EmbeddingRequest request;
  bool base64 = false;
};

Result<EmbeddingInput> token_input(const Fields& body, const Json::array_t& values) {
  EmbeddingInput input{.is_tokens = true};
  for (const Json& value : values) {
    const double number = value.is_number() ? value.as_number() : -1;
    if (number != std::floor(number) || !(number >= 0 && number <= 2e9)) return body.wrong("input", "tokens must be whole numbers from 0");
    input.tokens.push_back(static_cast<std::int32_t>(number));
  }
  if (input.tokens.empty()) return body.wrong("input", "must not be empty");
  return input;
}

Result<std::vector<EmbeddingInput>> inputs_of(const Fields& body) {
  const Json* input = body.find("input");
  if (input == nullptr) return body.wrong("input", "is required");
  const auto text_input = [&](const Json& text) -> Result<EmbeddingInput> {
    if (text.get_string().empty()) return body.wrong("input", "must not be empty");
    return EmbeddingInput{.text = text.get_string()};
  };
  if (input->is_string()) return std::vector{TRY(text_input(*input))};
  if (!input->is_array()) return body.wrong("input", "must be text, tokens or an array of either");
  const Json::array_t& list = input->get_array();
  if (list.empty()) return body.wrong("input", "must not be empty");
  if (list.front().is_number()) return std::vector{TRY(token_input(body, list))};
  if (list.size() > kMostInputs) return body.wrong("input", std::format("more than {} inputs", kMostInputs));
  std::vector<EmbeddingInput> inputs;
  for (const Json& one : list) {
    if (one.is_string())
      inputs.push_back(TRY(text_input(one)));
    else if (one.is_array())
      inputs.push_back(TRY(token_input(body, one.get_array())));
    else
      return body.wrong("input", "must be text, tokens or an array of either");
  }
  return inputs;
}

Result<ParsedEmbedding> parse(std::string_view text) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  ParsedEmbedding parsed;
  parsed.request.model = TRY(body.required_text("model"));
  parsed.request.inputs = TRY(inputs_of(body));
  const std::string format = TRY(body.text("encoding_format")).value_or("float");
  if (format != "float" && format != "base64") return body.wrong("encoding_format", "must be float or base64");
  parsed.base64 = format == "base64";
  if (const auto dimensions = TRY(body.integer("dimensions", 1, 1 << 20)))
    parsed.request.dimensions = static_cast<std::int32_t>(*dimensions);
  return parsed;
}

// base64 is of the little-endian floats.
std::string vector_json(const std::vector<float>& vector, bool base64) {
  if (base64) {
    std::string bytes;
    for (const float value : vector) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes += static_cast<char>(bits >> shift & 0xFFU);
    }
    return json_string(encode_base64(bytes));
  }
  std::string out;
  for (const float value : vector) std::format_to(std::back_inserter(out), "{}{}", out.empty() ? "" : ",", value);
  return "[" + out + "]";
}

std::string body_of(const Embeddings& embeddings, bool base64) {
  std::string data;
  for (std::size_t i = 0; i < embeddings.vectors.size(); ++i) {
    data +=
        std::format(R"({}{{"object":"embedding","index":{},"embedding":{}}})", i ? "," : "", i, vector_json(embeddings.vectors[i], base64));
  }
  return std::format(R"({{"object":"list","data":[{}],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})", data,
                     json_string(embeddings.model), embeddings.prompt_tokens, embeddings.prompt_tokens);
}

asio::awaitable<void> embeddings(GenerationService& service, const HttpRequest& http, ResponseWriter& writer) {
  Result<ParsedEmbedding> parsed = parse(http.body);
  if (!parsed) co_return co_await send_error(writer, ErrorShape::kOpenAi, parsed.error(), http);
  parsed->request.id = http.id;
  const Result<Embeddings> answer = co_await embed_in_batches(service, std::move(parsed->request));
  if (!answer) co_return co_await send_error(writer, ErrorShape::kOpenAi, answer.error(), http);
  co_await writer.send(200, answer_headers(answer->model, http, "application/json"), body_of(*answer, parsed->base64));
}

}  // namespace

std::vector<Route> embedding_routes(GenerationService& service) {
  return {{.method = "POST",
           .pattern = "/v1/embeddings",
           .errors = ErrorShape::kOpenAi,
           .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return embeddings(service, http, writer); }}};
}

}  // namespace pensieve::api::openai
