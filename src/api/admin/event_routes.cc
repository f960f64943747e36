#include "api/admin/event_routes.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>

#include "api/admin/status_json.h"
#include "api/exchange_tools.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

Result<std::int64_t> first_number(const HttpRequest& http, const EventLog& events) {
  const auto query = http.query.find("after");
  const std::string_view text = query != http.query.end() ? std::string_view(query->second) : http.header("last-event-id");
  if (text.empty()) return events.last_number();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    return fail(ErrorCode::kInvalidArgument, "after must be the number of an event", "leave it out to get what comes from now on", "after");
  }
  // Of an earlier server: its numbers mean nothing here.
  return std::min(number, events.last_number());
}

asio::awaitable<void> stream_events(EventLog& events, std::chrono::milliseconds ping_interval, const HttpRequest& http,
                                    ResponseWriter& writer) {
  const Result<std::int64_t> first = first_number(http, events);
  if (!first) co_return co_await send_error(writer, ErrorShape::kPlain, first.error(), http);
  if (!co_await writer.begin_stream(200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache"}})) co_return;
  // Clients that wait for the first byte know that they are connected.
  if (!co_await writer.write(": connected\n\n")) co_return;
  for (std::int64_t last = *first; !events.closed();) {
    for (const ServerEvent& event : events.after(last)) {
      last = event.number;
      if (!co_await writer.write(std::format("id: {}\nevent: {}\ndata: {}\n\n", event.number, event.kind, event_json(event)))) co_return;
    }
    const bool more = events.last_number() > last || co_await events.wait(ping_interval);
    if (!more && !co_await writer.write(": ping\n\n")) co_return;
  }
  co_await writer.end_stream();
}

}  // namespace

std::vector<Route> event_routes(EventLog& events, std::chrono::milliseconds ping_interval) {
  return {{.method = "GET",
           .pattern = "/pensieve/v1/events",
           .errors = ErrorShape::kPlain,
           .needs_key = true,
           .handler = [&events, ping_interval](const HttpRequest& http, ResponseWriter& writer) {
             return stream_events(events, ping_interval, http, writer);
           }}};
}

}  // namespace pensieve::api
