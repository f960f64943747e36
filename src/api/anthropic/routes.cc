#include "api/anthropic/routes.h"

#include <format>

#include "api/anthropic/answer.h"
#include "api/anthropic/request.h"
#include "base/ids.h"

namespace pensieve::api::anthropic {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> stream_answer(GenerationService& service, DialectSettings settings, GenerationRequest request,
                                    const HttpRequest& http, ResponseWriter& writer) {
  bool open = false;
  // A stream that has nothing to say yet begins with a ping, so errors after it become events.
  const OnSilence on_silence = [&]() -> asio::awaitable<bool> {
    if (!open && !co_await writer.begin_stream(200, answer_headers("", http, "text/event-stream"))) co_return false;
    open = true;
    co_return co_await writer.write(StreamWriter::ping());
  };
  Result<Begun> begun = co_await begin_generation(service, std::move(request), settings.ping_interval, on_silence);
  if (!begun) {
    if (begun.error().code == ErrorCode::kCancelled) co_return;
    if (!open) co_return co_await send_error(writer, ErrorShape::kAnthropic, begun.error(), http);
    co_await writer.write(StreamWriter::error(begun.error(), http.id));
    co_await writer.end_stream();
    co_return;
  }
  StreamWriter events(random_id("msg_", 24), begun->stream->model());
  if (!open &&
      !co_await writer.begin_stream(200, answer_headers(begun->stream->model(), http, "text/event-stream", begun->stream->degraded())))
    co_return;
  open = true;
  const auto* started = std::get_if<Started>(&begun->first);
  if (!co_await writer.write(events.begin(started ? started->usage : Usage{}))) co_return;
  std::optional<GenerationEvent> event = std::move(begun->first);
  while (event) {
    if (!co_await writer.write(events.event(*event, disclosure_of(*begun->stream, http.id)))) co_return;
    if (is_terminal(*event)) break;
    event = co_await next_event(*begun->stream, settings.ping_interval, on_silence);
  }
  co_await writer.end_stream();
}

asio::awaitable<void> messages(GenerationService& service, DialectSettings settings, const HttpRequest& http, ResponseWriter& writer) {
  Result<MessagesRequest> parsed = parse_messages_request(http.body, false);
  Result<void> knobs = parsed ? apply_knobs(http, parsed->generation) : Result<void>(std::unexpected(parsed.error()));
  if (!knobs) co_return co_await send_error(writer, ErrorShape::kAnthropic, knobs.error(), http);
  if (parsed->stream) {
    co_return co_await stream_answer(service, settings, std::move(parsed->generation), http, writer);
  }
  const Result<WholeAnswer> answer = co_await whole_answer(service, std::move(parsed->generation));
  if (!answer) co_return co_await send_error(writer, ErrorShape::kAnthropic, answer.error(), http);
  const Disclosure disclosure{.model = answer->model, .decision = http.id, .degraded = answer->degraded};
  co_await writer.send(200, answer_headers(answer->model, http, "application/json", answer->degraded),
                       message_body(random_id("msg_", 24), *answer, disclosure));
}

asio::awaitable<void> count_tokens(GenerationService& service, const HttpRequest& http, ResponseWriter& writer) {
  Result<MessagesRequest> parsed = parse_messages_request(http.body, true);
  if (!parsed) co_return co_await send_error(writer, ErrorShape::kAnthropic, parsed.error(), http);
  const Result<std::int64_t> tokens = co_await service.count_tokens(std::move(parsed->generation));
  if (!tokens) co_return co_await send_error(writer, ErrorShape::kAnthropic, tokens.error(), http);
  co_await writer.send(200, answer_headers("", http, "application/json"), std::format(R"({{"input_tokens":{}}})", *tokens));
}

}  // namespace

std::vector<Route> routes(GenerationService& service, DialectSettings settings) {
  const auto route = [](std::string method, std::string pattern, Handler handler) {
    return Route{
        .method = std::move(method), .pattern = std::move(pattern), .errors = ErrorShape::kAnthropic, .handler = std::move(handler)};
  };
  return {
      route("POST", "/v1/messages",
            [&service, settings](const HttpRequest& http, ResponseWriter& writer) { return messages(service, settings, http, writer); }),
      route("POST", "/v1/messages/count_tokens",
            [&service](const HttpRequest& http, ResponseWriter& writer) { return count_tokens(service, http, writer); })};
}

}  // namespace pensieve::api::anthropic
