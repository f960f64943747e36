#include "api/admin/routing_routes.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <ranges>

#include "api/admin/decision_json.h"
#include "api/exchange_tools.h"
#include "api/routing_request.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

constexpr std::int64_t kShown = 100;  // decisions of a page, unless asked otherwise
constexpr std::int64_t kMostShown = 1000;
constexpr std::int64_t kReported = 1000;  // newest ones that the summary is over

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

// What a list request asks for: ?limit=N&before=ID.
struct Page {
  std::int64_t limit = kShown;
  std::string before;
};

Result<Page> page_of(const HttpRequest& http) {
  Page page;
  if (const auto before = http.query.find("before"); before != http.query.end()) page.before = before->second;
  const auto limit = http.query.find("limit");
  if (limit == http.query.end()) return page;
  const std::string& text = limit->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), page.limit);
  if (error != std::errc{} || end != text.data() + text.size() || page.limit < 1 || page.limit > kMostShown) {
    return fail(ErrorCode::kInvalidArgument, std::format("limit must be a whole number from 1 to {}", kMostShown), "", "limit");
  }
  return page;
}

// Without a ledger: the page of what is in memory.
std::vector<std::string> page_of_log(const DecisionLog& log, const Page& page) {
  auto newest = log.records() | std::views::reverse;
  auto from = newest.begin();
  if (!page.before.empty()) {
    from = std::ranges::find(newest, page.before, &DecisionRecord::id);
    if (from != newest.end()) ++from;
  }
  std::vector<std::string> records;
  for (; from != newest.end() && std::ssize(records) < page.limit; ++from) records.push_back(record_json(*from));
  return records;
}

asio::awaitable<void> list(RoutingService& service, DecisionArchive* archive, const HttpRequest& http, ResponseWriter& writer) {
  const Result<Page> page = page_of(http);
  if (!page) co_return co_await send_error(writer, ErrorShape::kPlain, page.error(), http);
  const std::vector<std::string> records =
      archive != nullptr ? archive->page(page->limit, page->before) : page_of_log(service.log(), *page);
  const auto report = archive != nullptr ? archive->report(kReported) : Result<std::vector<ModelReport>>(report_decisions(service.log()));
  if (!report) co_return co_await send_error(writer, ErrorShape::kPlain, report.error(), http);
  std::string body = "{\"summary\":" + report_json(*report) + ",\"decisions\":[";
  for (const std::string& record : records) {
    if (body.back() != '[') body += ',';
    body += record;
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
       .handler = [&service, archive](const HttpRequest& http, ResponseWriter& writer) { return list(service, archive, http, writer); }},
      {.method = "GET",
       .pattern = "/pensieve/v1/decisions/{id}",
       .errors = ErrorShape::kPlain,
       .needs_key = true,
       .handler = [&service, archive](const HttpRequest& http, ResponseWriter& writer) { return show(service, archive, http, writer); }},
  };
}

}  // namespace pensieve::api
