#include <algorithm>
#include <chrono>
#include <format>

#include "api/embedding_batches.h"
#include "api/ollama/request.h"
#include "api/ollama/routes.h"

namespace pensieve::api::ollama {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostInputs = 2048;

struct Wish {
  EmbeddingRequest request;
  std::string name;
  KeepAlive keep_alive;
};

// `older`: /api/embeddings, with one prompt.
Result<Wish> parse(const HttpRequest& http, bool older) {
  const Json json = TRY(parse_body(http.body));
  const Fields body = TRY(Fields::of(json, ""));
  Wish wish{.name = TRY(model_field(body)), .keep_alive = TRY(keep_alive_field(body))};
  wish.request.id = http.id;
  wish.request.model = bare_name(wish.name);
  wish.request.truncate = TRY(body.boolean("truncate")).value_or(true);
  if (const auto dimensions = TRY(body.integer("dimensions", 0, 1 << 20)); dimensions && *dimensions > 0) {
    wish.request.dimensions = static_cast<std::int32_t>(*dimensions);
  }
  const char* field = older ? "prompt" : "input";
  const Json* input = body.find(field);
  if (input == nullptr) return wish;
  if (input->is_string()) {
    if (!input->get_string().empty()) wish.request.inputs.push_back({.text = input->get_string()});
    return wish;
  }
  if (older || !input->is_array()) return body.wrong(field, older ? "must be a string" : "must be a string or an array of strings");
  if (input->get_array().size() > kMostInputs) return body.wrong(field, std::format("more than {} inputs", kMostInputs));
  for (const Json& one : input->get_array()) {
    if (!one.is_string()) return body.wrong(field, "must be a string or an array of strings");
    wish.request.inputs.push_back({.text = one.get_string()});
  }
  return wish;
}

std::string numbers(const std::vector<float>& vector) {
  std::string out;
  for (const float value : vector) std::format_to(std::back_inserter(out), "{}{}", out.empty() ? "" : ",", value);
  return "[" + out + "]";
}

std::string body_of(const Embeddings& answer, const Wish& wish, std::chrono::nanoseconds taken, bool older) {
  if (older) return std::format(R"({{"embedding":{}}})", answer.vectors.empty() ? "[]" : numbers(answer.vectors.front()));
  std::string vectors;
  for (const std::vector<float>& vector : answer.vectors) vectors += (vectors.empty() ? "" : ",") + numbers(vector);
  return std::format(R"({{"model":{},"embeddings":[{}],"total_duration":{},"load_duration":0,"prompt_eval_count":{}}})",
                     json_string(wish.name), vectors, taken.count(), answer.prompt_tokens);
}

asio::awaitable<void> embed(GenerationService& service, bool older, const HttpRequest& http, ResponseWriter& writer) {
  const auto arrived = std::chrono::steady_clock::now();
  const Result<Wish> wish = parse(http, older);
  if (!wish) co_return co_await send_error(writer, ErrorShape::kOllama, wish.error(), http);
  const Result<ModelStatus> model = service.find(wish->request.model);
  if (!model) co_return co_await send_error(writer, ErrorShape::kOllama, model.error(), http);
  // Without an input the model is only loaded.
  Result<Embeddings> answer = Embeddings{.model = model->id, .vectors = {}};
  if (!wish->request.inputs.empty()) {
    answer = co_await embed_in_batches(service, wish->request);
  } else if (Result<void> loaded = co_await service.load(model->id); !loaded) {
    answer = std::unexpected(std::move(loaded).error());
  }
  if (!answer) co_return co_await send_error(writer, ErrorShape::kOllama, answer.error(), http);
  if (wish->keep_alive != std::chrono::seconds(0)) static_cast<void>(service.keep(answer->model, wish->keep_alive));
  co_await writer.send(200, answer_headers(answer->model, http, "application/json; charset=utf-8"),
                       body_of(*answer, *wish, std::chrono::steady_clock::now() - arrived, older));
  if (wish->keep_alive == std::chrono::seconds(0)) co_await service.unload(answer->model);
}

}  // namespace

std::vector<Route> embed_routes(GenerationService& service) {
  const auto route = [&service](std::string pattern, bool older) {
    return Route{
        .method = "POST",
        .pattern = std::move(pattern),
        .errors = ErrorShape::kOllama,
        .handler = [&service, older](const HttpRequest& http, ResponseWriter& writer) { return embed(service, older, http, writer); }};
  };
  return {route("/api/embed", false), route("/api/embeddings", true)};
}

}  // namespace pensieve::api::ollama
