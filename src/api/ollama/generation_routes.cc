#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "api/ollama/answer.h"
#include "api/ollama/request.h"
#include "api/ollama/routes.h"

namespace pensieve::api::ollama {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kSilence{10};  // how often a wait looks up; Ollama's streams have no pings

Headers headers_of(const ParsedRequest& parsed, const std::string& model, const HttpRequest& http, std::string_view degraded = {}) {
  Headers headers = answer_headers(model, http, parsed.stream ? "application/x-ndjson" : "application/json; charset=utf-8", degraded);
  std::string ignored;
  for (const std::string& field : parsed.ignored) ignored += (ignored.empty() ? "" : ", ") + field;
  if (!ignored.empty()) headers.emplace_back("X-Pensieve-Ignored", ignored);
  return headers;
}

// The name that the client used where it names the model that answers.
std::string shown_name(const ParsedRequest& parsed, const std::string& model) {
  return bare_name(parsed.name) == model ? parsed.name : model;
}

// What keep_alive asks for; without it, what is configured. A name that
// is gone by now has nothing to keep. Waits for nobody.
void keep(GenerationService& service, const asio::any_io_executor& executor, const std::string& model, const KeepAlive& keep_alive) {
  if (keep_alive != std::chrono::seconds(0)) return static_cast<void>(service.keep(model, keep_alive));
  asio::co_spawn(
      executor, [](GenerationService& s, std::string id) -> asio::awaitable<void> { co_await s.unload(std::move(id)); }(service, model),
      asio::detached);
}

AnswerWriter writer_for(const ParsedRequest& parsed, const std::string& model, SteadyTime arrived, std::vector<Message> conversation) {
  return AnswerWriter(
      {.model = shown_name(parsed, model), .chat = parsed.chat, .conversation = std::move(conversation), .arrived = arrived});
}

// A request without a prompt loads the model, or unloads it.
asio::awaitable<void> only_load(GenerationService& service, ParsedRequest parsed, const HttpRequest& http, ResponseWriter& writer,
                                SteadyTime arrived) {
  const Result<ModelStatus> model = service.find(parsed.generation.model);
  if (!model) co_return co_await send_error(writer, ErrorShape::kOllama, model.error(), http);
  const bool unload = parsed.keep_alive && parsed.keep_alive->count() == 0;
  const Result<void> done = unload ? co_await service.unload(model->id) : co_await service.load(model->id);
  if (!done) co_return co_await send_error(writer, ErrorShape::kOllama, done.error(), http);
  if (!unload) keep(service, co_await asio::this_coro::executor, model->id, parsed.keep_alive);
  parsed.stream = false;
  co_await writer.send(200, headers_of(parsed, model->id, http),
                       writer_for(parsed, model->id, arrived, {}).loaded(unload ? "unload" : "load"));
}

asio::awaitable<void> stream_answer(GenerationStream& stream, GenerationEvent first, AnswerWriter lines, const HttpRequest& http,
                                    ResponseWriter& writer) {
  const OnSilence wait = []() -> asio::awaitable<bool> { co_return true; };
  std::optional<GenerationEvent> event = std::move(first);
  while (event) {
    const bool last = is_terminal(*event);
    const auto* failed = std::get_if<Failed>(&*event);
    const std::string line = failed ? AnswerWriter::error(failed->error) : lines.line(std::move(*event), disclosure_of(stream, http.id));
    if (!line.empty() && !co_await writer.write(line)) co_return;
    if (last) break;
    event = co_await next_event(stream, kSilence, wait);
  }
  co_await writer.end_stream();
}

asio::awaitable<void> whole_answer(GenerationStream& stream, GenerationEvent first, const ParsedRequest& parsed, AnswerWriter objects,
                                   const HttpRequest& http, ResponseWriter& writer) {
  const OnSilence wait = []() -> asio::awaitable<bool> { co_return true; };
  WholeAnswer answer;
  std::optional<GenerationEvent> event = std::move(first);
  while (event) {
    if (const auto* failed = std::get_if<Failed>(&*event)) {
      co_return co_await send_error(writer, ErrorShape::kOllama, failed->error, http);
    }
    const bool last = is_terminal(*event);
    answer.add(std::move(*event));
    if (last) break;
    event = co_await next_event(stream, kSilence, wait);
  }
  co_await writer.send(200, headers_of(parsed, stream.model(), http, stream.degraded()),
                       objects.whole(answer, disclosure_of(stream, http.id)));
}

asio::awaitable<void> answer(GenerationService& service, ParsedRequest parsed, const HttpRequest& http, ResponseWriter& writer) {
  const SteadyTime arrived = std::chrono::steady_clock::now();
  if (const Result<void> knobs = apply_knobs(http, parsed.generation); !knobs) {
    co_return co_await send_error(writer, ErrorShape::kOllama, knobs.error(), http);
  }
  if (parsed.only_load) co_return co_await only_load(service, std::move(parsed), http, writer, arrived);
  const bool unload = parsed.keep_alive == std::chrono::seconds(0);
  std::vector<Message> conversation;
  if (!parsed.chat && !parsed.raw) conversation = parsed.generation.messages;
  std::string model;
  {
    const OnSilence wait = []() -> asio::awaitable<bool> { co_return true; };
    Result<Begun> begun = co_await begin_generation(service, std::move(parsed.generation), kSilence, wait);
    if (!begun) co_return co_await send_error(writer, ErrorShape::kOllama, begun.error(), http);
    model = begun->stream->model();
    // Before the answer's end, after which a client may ask how long the model stays.
    if (!unload) keep(service, co_await asio::this_coro::executor, model, parsed.keep_alive);
    AnswerWriter objects = writer_for(parsed, model, arrived, std::move(conversation));
    if (!parsed.stream) {
      co_await whole_answer(*begun->stream, std::move(begun->first), parsed, std::move(objects), http, writer);
    } else if (co_await writer.begin_stream(200, headers_of(parsed, model, http, begun->stream->degraded()))) {
      co_await stream_answer(*begun->stream, std::move(begun->first), std::move(objects), http, writer);
    }
  }
  if (unload) keep(service, co_await asio::this_coro::executor, model, parsed.keep_alive);
}

asio::awaitable<void> handle(GenerationService& service, Result<ParsedRequest> parsed, const HttpRequest& http, ResponseWriter& writer) {
  if (!parsed) co_return co_await send_error(writer, ErrorShape::kOllama, parsed.error(), http);
  co_await answer(service, std::move(*parsed), http, writer);
}

}  // namespace

std::vector<Route> generation_routes(GenerationService& service) {
  const auto route = [&service](std::string pattern, Result<ParsedRequest> (*parse)(std::string_view)) {
    return Route{.method = "POST",
                 .pattern = std::move(pattern),
                 .errors = ErrorShape::kOllama,
                 .handler = [&service, parse](const HttpRequest& http, ResponseWriter& writer) {
                   return handle(service, parse(http.body), http, writer);
                 }};
  };
  return {route("/api/chat", parse_chat_request), route("/api/generate", parse_generate_request)};
}

}  // namespace pensieve::api::ollama
