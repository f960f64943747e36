#include "api/models_routes.h"

#include <chrono>
#include <format>

#include "api/json_value.h"

namespace pensieve::api {

namespace asio = boost::asio;

namespace {

bool anthropic(const HttpRequest& http) { return !http.header("anthropic-version").empty(); }

std::string anthropic_model(const ModelStatus& model, const std::string& id) {
  const std::chrono::sys_seconds created{std::chrono::seconds(model.created_unix)};
  return std::format(R"({{"type":"model","id":{},"display_name":{},"created_at":"{:%FT%TZ}","max_input_tokens":{},"max_tokens":{}}})",
                     json_string(id), json_string(model.id), created, model.context_tokens, model.context_tokens);
}

std::string openai_model(const ModelStatus& model, const std::string& id) {
  return std::format(R"({{"id":{},"object":"model","created":{},"owned_by":"local","context_length":{},"max_model_len":{}}})",
                     json_string(id), model.created_unix, model.context_tokens, model.context_tokens);
}

asio::awaitable<void> list(GenerationService& service, const HttpRequest& http, ResponseWriter& writer) {
  const ServiceStatus status = service.status();
  std::string data;
  const auto add = [&](const std::string& entry) { data += (data.empty() ? "" : ",") + entry; };
  std::vector<std::string> ids;
  for (const ModelStatus& model : status.models) {
    if (model.id == status.default_model) {
      add(anthropic(http) ? anthropic_model(model, "auto") : openai_model(model, "auto"));
      ids.emplace_back("auto");
    }
  }
  for (const ModelStatus& model : status.models) {
    add(anthropic(http) ? anthropic_model(model, model.id) : openai_model(model, model.id));
    ids.push_back(model.id);
  }
  const auto id_or_null = [&](bool first) { return ids.empty() ? "null" : json_string(first ? ids.front() : ids.back()); };
  std::string body = anthropic(http) ? std::format(R"({{"data":[{}],"has_more":false,"first_id":{},"last_id":{}}})", data, id_or_null(true),
                                                   id_or_null(false))
                                     : std::format(R"({{"object":"list","data":[{}]}})", data);
  co_await writer.send(200, {{"Content-Type", "application/json"}}, std::move(body));
}

asio::awaitable<void> one(GenerationService& service, const HttpRequest& http, ResponseWriter& writer) {
  const std::string& id = http.path_parameters.front();
  const Result<ModelStatus> model = service.find(id);
  if (!model) {
    ErrorAnswer error = render_error(anthropic(http) ? ErrorShape::kAnthropic : ErrorShape::kOpenAi, model.error(), http.id);
    co_return static_cast<void>(co_await writer.send(error.status, std::move(error.headers), std::move(error.body)));
  }
  co_await writer.send(200, {{"Content-Type", "application/json"}},
                       anthropic(http) ? anthropic_model(*model, id) : openai_model(*model, id));
}

}  // namespace

std::vector<Route> models_routes(GenerationService& service) {
  return {{.method = "GET",
           .pattern = "/v1/models",
           .errors = ErrorShape::kOpenAi,
           .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return list(service, http, writer); }},
          {.method = "GET",
           .pattern = "/v1/models/{id*}",
           .errors = ErrorShape::kOpenAi,
           .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return one(service, http, writer); }}};
}

}  // namespace pensieve::api
