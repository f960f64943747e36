#include "api/admin/routing_routes.h"

#include <ranges>

#include "api/admin/decision_json.h"
#include "api/exchange_tools.h"
#include "api/routing_request.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

// Newest decisions shown by /decisions.
constexpr std::size_t kShown = 100;

asio::awaitable<void> send_json(ResponseWriter& writer, std::string body) {
  co_await writer.send(200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::move(body));
}

asio::awaitable<void> dry_run(RoutingService& service, const HttpRequest& http, ResponseWriter& writer) {
  const Result<Json> body = parse_body(http.body);
  if (!body) co_return co_await send_error(writer, ErrorShape::kPlain, body.error(), http);
  GenerationRequest request = routing_request(*body);
  if (const Result<void> knobs = apply_knobs(http, request); !knobs) {
    co_return co_await send_error(writer, ErrorShape::kPlain, knobs.error(), http);
  }
  const Result<DecisionRecord> record = service.decide(request);
  if (!record) co_return co_await send_error(writer, ErrorShape::kPlain, record.error(), http);
  co_await send_json(writer, decision_json(record->decision, record->id, record->time_taken));
}

asio::awaitable<void> list(RoutingService& service, ResponseWriter& writer) {
  std::string body = "{\"summary\":" + report_json(report_decisions(service.log())) + ",\"decisions\":[";
  for (const DecisionRecord& record : service.log().records() | std::views::reverse | std::views::take(kShown)) {
    if (body.back() != '[') body += ',';
    body += record_json(record);
  }
  co_await send_json(writer, body + "]}");
}

asio::awaitable<void> show(RoutingService& service, DecisionArchive* archive, const HttpRequest& http, ResponseWriter& writer) {
  const std::string& id = http.path_parameters.front();
  const DecisionRecord* record = service.log().find(id);
  std::string body = record != nullptr ? record_json(*record) : archive != nullptr ? archive->find(id) : "";
  if (body.empty()) {
    const Error error{ErrorCode::kNotFound, "there is no decision '" + id + "'", "only the latest are kept", ""};
    co_return co_await send_error(writer, ErrorShape::kPlain, error, http);
  }
  co_await send_json(writer, std::move(body));
}

}  // namespace

std::vector<Route> routing_routes(RoutingService& service, DecisionArchive* archive) {
  return {
      {.method = "POST",
       .pattern = "/pensieve/v1/route",
       .errors = ErrorShape::kPlain,
       .needs_key = true,
       .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return dry_run(service, http, writer); }},
      {.method = "GET",
       .pattern = "/pensieve/v1/decisions",
       .errors = ErrorShape::kPlain,
       .needs_key = true,
       .handler = [&service](const HttpRequest&, ResponseWriter& writer) { return list(service, writer); }},
      {.method = "GET",
       .pattern = "/pensieve/v1/decisions/{id}",
       .errors = ErrorShape::kPlain,
       .needs_key = true,
       .handler = [&service, archive](const HttpRequest& http, ResponseWriter& writer) { return show(service, archive, http, writer); }},
  };
}

}  // namespace pensieve::api
