#include "api/responses/routes.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <memory>

#include "api/responses/answer.h"
#include "api/responses/store.h"
#include "base/ids.h"

namespace pensieve::api::responses {

namespace asio = boost::asio;

namespace {

constexpr int kMostItems = 100;  // of one page of input_items

Error no_response(std::string_view id) {
  return {ErrorCode::kNotFound, std::format("no response '{}' is kept", id.substr(0, 100)),
          "responses are kept in memory, the latest thousand, unless store is false", "response_id"};
}

// Keeps an answer for requests that go on from it. Only what the client and the model said: instructions
// are given anew with each request.
void keep(ResponseStore& store, ParsedRequest& parsed, const ResponseBuilder& response) {
  if (!parsed.store) return;
  std::vector<Message> conversation = std::move(parsed.generation.messages);
  if (parsed.instructed) conversation.erase(conversation.begin());
  conversation.push_back(response.turn());
  store.put({.id = response.id(),
             .body = response.body(),
             .input = std::move(parsed.input),
             .output = response.output(),
             .conversation = std::move(conversation)});
}

asio::awaitable<void> stream_answer(GenerationService& service, ResponseStore& store, DialectSettings settings, ParsedRequest parsed,
                                    const HttpRequest& http, ResponseWriter& writer) {
  bool open = false;
  const OnSilence on_silence = [&]() -> asio::awaitable<bool> {
    if (!open && !co_await writer.begin_stream(200, answer_headers("", http, "text/event-stream"))) co_return false;
    open = true;
    co_return co_await writer.write(ResponseBuilder::ping());
  };
  Result<Begun> begun = co_await begin_generation(service, parsed.generation, settings.ping_interval, on_silence);
  if (!begun) {
    if (begun.error().code == ErrorCode::kCancelled) co_return;
    if (!open) co_return co_await send_error(writer, ErrorShape::kOpenAi, begun.error(), http);
    ResponseBuilder response(random_id("resp_", 32), parsed.generation.model, parsed);
    std::string events = response.begin();
    events += response.add(Failed{begun.error()});
    co_await writer.write(events);
    co_return static_cast<void>(co_await writer.end_stream());
  }
  ResponseBuilder response(random_id("resp_", 32), begun->stream->model(), parsed);
  if (!open &&
      !co_await writer.begin_stream(200, answer_headers(begun->stream->model(), http, "text/event-stream", begun->stream->degraded())))
    co_return;
  open = true;
  if (!co_await writer.write(response.begin())) co_return;
  std::optional<GenerationEvent> event = std::move(begun->first);
  while (event) {
    const std::string events = response.add(*event, disclosure_of(*begun->stream, http.id));
    const bool last = is_terminal(*event);
    // Kept before it is told, so that a client may go on from it at once.
    if (last && std::holds_alternative<Finished>(*event)) keep(store, parsed, response);
    if (!events.empty() && !co_await writer.write(events)) co_return;
    if (last) break;
    event = co_await next_event(*begun->stream, settings.ping_interval, on_silence);
  }
  co_await writer.end_stream();
}

asio::awaitable<void> whole_answer(GenerationService& service, ResponseStore& store, ParsedRequest parsed, const HttpRequest& http,
                                   ResponseWriter& writer) {
  const OnSilence wait = []() -> asio::awaitable<bool> { co_return true; };
  constexpr std::chrono::seconds kInterval{60};
  Result<Begun> begun = co_await begin_generation(service, parsed.generation, kInterval, wait);
  if (!begun) co_return co_await send_error(writer, ErrorShape::kOpenAi, begun.error(), http);
  ResponseBuilder response(random_id("resp_", 32), begun->stream->model(), parsed);
  std::optional<GenerationEvent> event = std::move(begun->first);
  while (event) {
    if (const auto* failed = std::get_if<Failed>(&*event)) {
      co_return co_await send_error(writer, ErrorShape::kOpenAi, failed->error, http);
    }
    response.add(*event, disclosure_of(*begun->stream, http.id));
    if (is_terminal(*event)) break;
    event = co_await next_event(*begun->stream, kInterval, wait);
  }
  keep(store, parsed, response);
  const Headers headers = answer_headers(begun->stream->model(), http, "application/json", begun->stream->degraded());
  co_await writer.send(200, headers, response.body());
}

Result<ParsedRequest> parse(ResponseStore& store, const HttpRequest& http) {
  const Earlier earlier{.conversation = [&store](std::string_view id) -> const std::vector<Message>* {
                          const StoredResponse* response = store.find(id);
                          return response ? &response->conversation : nullptr;
                        },
                        .item = [&store](std::string_view id) { return store.item(id); }};
  ParsedRequest parsed = TRY(parse_request(http.body, earlier));
  TRY_VOID(apply_knobs(http, parsed.generation));
  return parsed;
}

asio::awaitable<void> create(GenerationService& service, ResponseStore& store, DialectSettings settings, const HttpRequest& http,
                             ResponseWriter& writer) {
  Result<ParsedRequest> parsed = parse(store, http);
  if (!parsed) co_return co_await send_error(writer, ErrorShape::kOpenAi, parsed.error(), http);
  if (parsed->stream) co_return co_await stream_answer(service, store, settings, *std::move(parsed), http, writer);
  co_await whole_answer(service, store, *std::move(parsed), http, writer);
}

asio::awaitable<void> count(GenerationService& service, ResponseStore& store, const HttpRequest& http, ResponseWriter& writer) {
  Result<ParsedRequest> parsed = parse(store, http);
  const Result<std::int64_t> tokens =
      parsed ? co_await service.count_tokens(std::move(parsed->generation)) : Result<std::int64_t>(std::unexpected(parsed.error()));
  if (!tokens) co_return co_await send_error(writer, ErrorShape::kOpenAi, tokens.error(), http);
  co_await writer.send(200, {{"Content-Type", "application/json"}},
                       std::format(R"({{"object":"response.input_tokens","input_tokens":{}}})", *tokens));
}

asio::awaitable<void> retrieve(ResponseStore& store, const HttpRequest& http, ResponseWriter& writer) {
  const StoredResponse* response = store.find(http.path_parameters.front());
  if (response == nullptr) co_return co_await send_error(writer, ErrorShape::kOpenAi, no_response(http.path_parameters.front()), http);
  co_await writer.send(200, {{"Content-Type", "application/json"}}, response->body);
}

asio::awaitable<void> remove(ResponseStore& store, const HttpRequest& http, ResponseWriter& writer) {
  const std::string& id = http.path_parameters.front();
  if (!store.remove(id)) co_return co_await send_error(writer, ErrorShape::kOpenAi, no_response(id), http);
  co_await writer.send(200, {{"Content-Type", "application/json"}},
                       std::format(R"({{"id":{},"object":"response","deleted":true}})", json_string(id)));
}

// One page of a response's input: newest first unless `order` is asc, behind the item `after`.
Result<std::string> input_page(const StoredResponse& response, const HttpRequest& http) {
  const auto query = [&http](const char* name) {
    const auto found = http.query.find(name);
    return found == http.query.end() ? std::string() : found->second;
  };
  const std::string limit_text = query("limit");
  int limit = 20;
  const auto [end, error] = std::from_chars(limit_text.data(), limit_text.data() + limit_text.size(), limit);
  const bool number = limit_text.empty() || (error == std::errc{} && end == limit_text.data() + limit_text.size());
  if (!number || limit < 1 || limit > kMostItems) {
    return fail(ErrorCode::kInvalidArgument, std::format("limit: must be from 1 to {}", kMostItems), {}, "limit");
  }
  const std::string order = query("order");
  if (!order.empty() && order != "asc" && order != "desc")
    return fail(ErrorCode::kInvalidArgument, "order: must be asc or desc", {}, "order");
  std::vector<Item> items = response.input;
  if (order != "asc") std::ranges::reverse(items);
  if (const std::string after = query("after"); !after.empty()) {
    const auto found = std::ranges::find(items, after, &Item::id);
    if (found == items.end()) return fail(ErrorCode::kInvalidArgument, "after: there is no such item", {}, "after");
    items.erase(items.begin(), found + 1);
  }
  const bool more = std::ssize(items) > limit;
  if (more) items.resize(static_cast<std::size_t>(limit));
  std::string data;
  for (const Item& item : items) data += (data.empty() ? "" : ",") + item.json;
  const auto id = [&items](bool first) { return items.empty() ? "null" : json_string(first ? items.front().id : items.back().id); };
  return std::format(R"({{"object":"list","data":[{}],"first_id":{},"last_id":{},"has_more":{}}})", data, id(true), id(false), more);
}

asio::awaitable<void> input_items(ResponseStore& store, const HttpRequest& http, ResponseWriter& writer) {
  const StoredResponse* response = store.find(http.path_parameters.front());
  const Result<std::string> page =
      response ? input_page(*response, http) : Result<std::string>(std::unexpected(no_response(http.path_parameters.front())));
  if (!page) co_return co_await send_error(writer, ErrorShape::kOpenAi, page.error(), http);
  co_await writer.send(200, {{"Content-Type", "application/json"}}, *page);
}

}  // namespace

std::vector<Route> routes(GenerationService& service, DialectSettings settings) {
  const auto store = std::make_shared<ResponseStore>();
  const auto route = [](std::string method, std::string pattern, Handler handler) {
    return Route{.method = std::move(method), .pattern = std::move(pattern), .errors = ErrorShape::kOpenAi, .handler = std::move(handler)};
  };
  return {
      route("POST", "/v1/responses",
            [&service, store, settings](const HttpRequest& http, ResponseWriter& writer) {
              return create(service, *store, settings, http, writer);
            }),
      route("POST", "/v1/responses/input_tokens",
            [&service, store](const HttpRequest& http, ResponseWriter& writer) { return count(service, *store, http, writer); }),
      route("GET", "/v1/responses/{id}",
            [store](const HttpRequest& http, ResponseWriter& writer) { return retrieve(*store, http, writer); }),
      route("DELETE", "/v1/responses/{id}",
            [store](const HttpRequest& http, ResponseWriter& writer) { return remove(*store, http, writer); }),
      route("GET", "/v1/responses/{id}/input_items",
            [store](const HttpRequest& http, ResponseWriter& writer) { return input_items(*store, http, writer); }),
  };
}

}  // namespace pensieve::api::responses
