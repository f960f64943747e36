#include "api/admin/admin_routes.h"

#include "api/admin/status_json.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

constexpr std::string_view kWelcome = R"(<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Pensieve</title></head>
<body>
<h1>Pensieve is running</h1>
<p>OpenAI clients: base URL <code>/v1</code>. Anthropic and Ollama clients: base URL <code>/</code>.</p>
<ul>
<li><a href="/health">/health</a></li>
<li><a href="/v1/models">/v1/models</a></li>
<li><a href="/pensieve/v1/status">/pensieve/v1/status</a></li>
<li><a href="/metrics">/metrics</a></li>
</ul>
</body>
</html>
)";

// Answers 200 with what `body` gives at that moment.
template <typename Body>
Handler answering(std::string content_type, Body body) {
  return [content_type, body](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
    co_await writer.send(200, {{"Content-Type", content_type}, {"Cache-Control", "no-store"}}, body());
  };
}

// Ollama's clients probe for its words; browsers get a page.
asio::awaitable<void> welcome(const HttpRequest& http, ResponseWriter& writer) {
  const bool page = http.header("accept").contains("text/html");
  co_await writer.send(200,
                       {{"Content-Type", page ? "text/html; charset=utf-8" : "text/plain; charset=utf-8"},
                        {"Cache-Control", "no-store"},
                        {"Vary", "Accept"}},
                       std::string(page ? kWelcome : "Ollama is running"));
}

// The state of the model in the path after `done`, or why that failed.
asio::awaitable<void> answer_model(GenerationService& service, const HttpRequest& request, ResponseWriter& writer, Result<void> done) {
  const Result<ModelStatus> model =
      done ? service.find(request.path_parameters.front()) : Result<ModelStatus>(std::unexpected(done.error()));
  if (model) {
    co_await writer.send(200, {{"Content-Type", "application/json"}}, model_json(*model));
    co_return;
  }
  ErrorAnswer answer = render_error(ErrorShape::kPlain, model.error(), request.id);
  co_await writer.send(answer.status, std::move(answer.headers), std::move(answer.body));
}

using ServiceCall = asio::awaitable<Result<void>> (GenerationService::*)(std::string);

// Loads or unloads the model in the path and answers with its state after that.
Handler changing_model(GenerationService& service, ServiceCall call) {
  return [&service, call](const HttpRequest& request, ResponseWriter& writer) -> asio::awaitable<void> {
    const std::string& name = request.path_parameters.front();
    Result<void> done = co_await (service.*call)(name);
    co_await answer_model(service, request, writer, std::move(done));
  };
}

// Pinning loads the model, so that it is known at once whether it can stay.
Handler pinning(GenerationService& service, bool pinned) {
  return [&service, pinned](const HttpRequest& request, ResponseWriter& writer) -> asio::awaitable<void> {
    const std::string& name = request.path_parameters.front();
    Result<void> done = service.pin(name, pinned);
    if (done && pinned) done = co_await service.load(name);
    if (!done && pinned) static_cast<void>(service.pin(name, false));
    co_await answer_model(service, request, writer, std::move(done));
  };
}

Route route(std::string method, std::string pattern, bool needs_key, Handler handler) {
  return {.method = std::move(method),
          .pattern = std::move(pattern),
          .errors = ErrorShape::kPlain,
          .needs_key = needs_key,
          .handler = std::move(handler)};
}

}  // namespace

std::vector<Route> admin_routes(GenerationService& service, const Metrics& metrics) {
  const Handler empty_object = answering("application/json", [] { return std::string("{}"); });
  return {
      route("GET", "/", false, welcome),
      route("GET", "/health", false, answering("application/json", [&service] { return health_json(service.status()); })),
      route("GET", "/metrics", true,
            answering("text/plain; version=0.0.4; charset=utf-8", [&service, &metrics] { return metrics.to_text(service.status()); })),
      route("GET", "/pensieve/v1/status", true, answering("application/json", [&service] { return status_json(service.status()); })),
      route("POST", "/pensieve/v1/models/{id*}/load", true, changing_model(service, &GenerationService::load)),
      route("POST", "/pensieve/v1/models/{id*}/unload", true, changing_model(service, &GenerationService::unload)),
      route("POST", "/pensieve/v1/models/{id*}/pin", true, pinning(service, true)),
      route("POST", "/pensieve/v1/models/{id*}/unpin", true, pinning(service, false)),
      route("GET", "/api/hello", false, empty_object),
      route("POST", "/api/event_logging/{rest*}", false, empty_object),
  };
}

}  // namespace pensieve::api
