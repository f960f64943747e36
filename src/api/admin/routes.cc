#include "api/admin/routes.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <format>

#include "api/json_value.h"

namespace pensieve::api::admin {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Pensieve</title>"
    "<body style=\"font-family:system-ui;margin:3rem\"><h1>Pensieve is running</h1>"
    "<p><a href=\"/pensieve/v1/status\">status</a> &middot; <a href=\"/v1/models\">models</a> &middot; "
    "<a href=\"/metrics\">metrics</a> &middot; <a href=\"/health\">health</a></p></body></html>\n";

asio::awaitable<void> send_json(ResponseWriter& writer, int status, std::string body) {
  co_await writer.send(status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::move(body));
}

std::string health_json(const ServiceStatus& status) {
  std::string state = "unloaded";
  for (const ModelStatus& model : status.models) {
    if (model.id == status.default_model) state = to_string(model.state);
  }
  const bool no_model = status.default_model.empty();
  const std::int64_t used = status.memory_total - status.memory_available;
  // The score needs measured speed and temperature; until something measures them it is unknown.
  return std::format(R"({{"status":"{}","model":{},"model_state":"{}","memory_used":{},"memory_total":{},"uptime_seconds":{},"score":null}})",
                     no_model ? "no_model" : "ok", no_model ? "null" : json_string(status.default_model), state, used, status.memory_total,
                     status.uptime_seconds);
}

// One snapshot as Prometheus text. The registry is made anew because all values are totals already.
std::string metrics_text(const ServiceStatus& status) {
  prometheus::Registry registry;
  const auto counter = [&](const char* name, const char* help, double value) {
    prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({}).Increment(value);
  };
  const auto gauge = [&](const char* name, const char* help) -> prometheus::Family<prometheus::Gauge>& {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  };
  counter("pensieve_requests_total", "Generation requests taken", static_cast<double>(status.requests_total));
  counter("pensieve_requests_failed_total", "Generation requests that ended in an error", static_cast<double>(status.requests_failed));
  counter("pensieve_prompt_tokens_total", "Prompt tokens of finished requests", static_cast<double>(status.prompt_tokens_total));
  counter("pensieve_cached_prompt_tokens_total", "Prompt tokens that came from the prefix cache", static_cast<double>(status.cached_prompt_tokens_total));
  counter("pensieve_completion_tokens_total", "Tokens generated", static_cast<double>(status.completion_tokens_total));
  counter("pensieve_workers_lost_total", "Workers that died or were ended because they hung", static_cast<double>(status.workers_lost));
  gauge("pensieve_memory_total_bytes", "The machine's memory").Add({}).Set(static_cast<double>(status.memory_total));
  gauge("pensieve_memory_available_bytes", "Memory available now").Add({}).Set(static_cast<double>(status.memory_available));
  gauge("pensieve_supervisor_resident_bytes", "Resident memory of the supervisor").Add({}).Set(static_cast<double>(status.supervisor_resident_bytes));
  gauge("pensieve_uptime_seconds", "Seconds since the start").Add({}).Set(static_cast<double>(status.uptime_seconds));
  auto& ready = gauge("pensieve_model_ready", "1 while the model is loaded");
  auto& resident = gauge("pensieve_model_resident_bytes", "Resident memory of the model's worker");
  auto& active = gauge("pensieve_model_active_requests", "Requests in the model's batch");
  auto& waiting = gauge("pensieve_model_waiting_requests", "Requests that wait for the model");
  for (const ModelStatus& model : status.models) {
    const prometheus::Labels labels = {{"model", model.id}};
    ready.Add(labels).Set(model.state == ModelState::kReady ? 1 : 0);
    resident.Add(labels).Set(static_cast<double>(model.resident_bytes));
    active.Add(labels).Set(model.active_requests);
    waiting.Add(labels).Set(model.waiting_requests);
  }
  return prometheus::TextSerializer().Serialize(registry.Collect());
}

asio::awaitable<void> control(GenerationService& service, bool load, const HttpRequest& http, ResponseWriter& writer) {
  const std::string& id = http.path_parameters.front();
  const Result<void> done = load ? co_await service.load(id) : co_await service.unload(id);
  if (!done) {
    ErrorAnswer error = render_error(ErrorShape::kPlain, done.error(), http.id);
    co_return static_cast<void>(co_await writer.send(error.status, std::move(error.headers), std::move(error.body)));
  }
  co_await send_json(writer, 200, std::format(R"({{"model":{},"state":"{}"}})", json_string(id), load ? "ready" : "unloaded"));
}

}  // namespace

std::vector<Route> routes(GenerationService& service, std::string version) {
  return {{.method = "GET", .pattern = "/", .needs_key = false,
           .handler = [](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
             co_await writer.send(200, {{"Content-Type", "text/html; charset=utf-8"}}, std::string(kPage));
           }},
          {.method = "GET", .pattern = "/health", .needs_key = false,
           .handler = [&service](const HttpRequest&, ResponseWriter& writer) { return send_json(writer, 200, health_json(service.status())); }},
          {.method = "GET", .pattern = "/metrics",
           .handler = [&service](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
             co_await writer.send(200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics_text(service.status()));
           }},
          {.method = "GET", .pattern = "/pensieve/v1/status",
           .handler = [&service, version](const HttpRequest&, ResponseWriter& writer) {
             return send_json(writer, 200, status_json(service.status(), version));
           }},
          {.method = "POST", .pattern = "/pensieve/v1/models/{id*}/load",
           .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return control(service, true, http, writer); }},
          {.method = "POST", .pattern = "/pensieve/v1/models/{id*}/unload",
           .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return control(service, false, http, writer); }}};
}

}  // namespace pensieve::api::admin
