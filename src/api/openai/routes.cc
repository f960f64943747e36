#include "api/openai/routes.h"

#include <chrono>

#include "api/openai/answer.h"
#include "api/openai/request.h"
#include "base/ids.h"

namespace pensieve::api::openai {

namespace asio = boost::asio;

namespace {

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// What chat and legacy completions have in common once parsed.
struct Work {
  std::vector<GenerationRequest> requests;  // one a choice
  Identity identity;
  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
};

// Choices of one stream follow each other: on one machine they would share its speed anyway, and
// the later ones find the prompt read.
asio::awaitable<void> stream_answer(GenerationService& service, DialectSettings settings, Work work, const HttpRequest& http,
                                    ResponseWriter& writer) {
  bool open = false;
  const OnSilence on_silence = [&]() -> asio::awaitable<bool> {
    if (!open && !co_await writer.begin_stream(200, answer_headers("", http, "text/event-stream"))) co_return false;
    open = true;
    co_return co_await writer.write(ChunkWriter::ping());
  };
  std::optional<ChunkWriter> chunks;
  Usage total;
  for (std::size_t i = 0; i < work.requests.size(); ++i) {
    const int choice = static_cast<int>(i);
    Result<Begun> begun = co_await begin_generation(service, std::move(work.requests[i]), settings.ping_interval, on_silence);
    if (!begun && begun.error().code == ErrorCode::kCancelled) co_return;
    if (!begun && !open) co_return co_await send_error(writer, ErrorShape::kOpenAi, begun.error(), http);
    if (!chunks) {
      if (begun) work.identity.model = begun->stream->model();
      chunks.emplace(work.identity, work.include_usage, work.logprobs);
    }
    if (!begun) {
      co_await writer.write(chunks->event(choice, Failed{begun.error()}, http.id));
      co_await writer.end_stream();
      co_return;
    }
    if (!open && !co_await writer.begin_stream(200, answer_headers(begun->stream->model(), http, "text/event-stream"))) co_return;
    open = true;
    if (!co_await writer.write(chunks->begin(choice))) co_return;
    std::optional<GenerationEvent> event = std::move(begun->first);
    while (event) {
      if (!co_await writer.write(chunks->event(choice, *event, http.id))) co_return;
      if (const auto* finished = std::get_if<Finished>(&*event)) {
        WholeAnswer counted{.finished = *finished};
        total = total_usage({{.finished = {.usage = total}}, counted});
      }
      if (std::holds_alternative<Failed>(*event)) {
        co_await writer.end_stream();
        co_return;
      }
      if (is_terminal(*event)) break;
      event = co_await next_event(*begun->stream, settings.ping_interval, on_silence);
    }
    if (!event) co_return;
  }
  if (work.include_usage && !co_await writer.write(chunks->usage(total))) co_return;
  co_await writer.write(ChunkWriter::done());
  co_await writer.end_stream();
}

asio::awaitable<void> answer(GenerationService& service, DialectSettings settings, Work work, const HttpRequest& http, ResponseWriter& writer) {
  for (GenerationRequest& request : work.requests) {
    if (const Result<void> knobs = apply_knobs(http, request); !knobs) {
      co_return co_await send_error(writer, ErrorShape::kOpenAi, knobs.error(), http);
    }
  }
  if (work.stream) co_return co_await stream_answer(service, settings, std::move(work), http, writer);
  std::vector<WholeAnswer> answers;
  for (GenerationRequest& request : work.requests) {
    Result<WholeAnswer> one = co_await whole_answer(service, std::move(request));
    if (!one) co_return co_await send_error(writer, ErrorShape::kOpenAi, one.error(), http);
    answers.push_back(std::move(*one));
  }
  work.identity.model = answers.front().model;
  co_await writer.send(200, answer_headers(work.identity.model, http, "application/json"), whole_body(work.identity, answers, work.logprobs));
}

asio::awaitable<void> chat(GenerationService& service, DialectSettings settings, const HttpRequest& http, ResponseWriter& writer) {
  Result<ChatRequest> parsed = parse_chat_request(http.body);
  if (!parsed) co_return co_await send_error(writer, ErrorShape::kOpenAi, parsed.error(), http);
  Work work{.requests = {},
            .identity = {.id = random_id("chatcmpl-", 24), .model = parsed->generation.model, .created = unix_now(), .chat = true},
            .stream = parsed->stream,
            .include_usage = parsed->include_usage,
            .logprobs = parsed->logprobs};
  work.requests.assign(static_cast<std::size_t>(parsed->choices), parsed->generation);
  co_await answer(service, settings, std::move(work), http, writer);
}

asio::awaitable<void> completions(GenerationService& service, DialectSettings settings, const HttpRequest& http, ResponseWriter& writer) {
  Result<CompletionRequest> parsed = parse_completion_request(http.body);
  if (!parsed) co_return co_await send_error(writer, ErrorShape::kOpenAi, parsed.error(), http);
  Work work{.requests = std::move(parsed->prompts),
            .identity = {.id = random_id("cmpl-", 24), .model = {}, .created = unix_now(), .chat = false},
            .stream = parsed->stream,
            .include_usage = parsed->include_usage,
            .logprobs = parsed->logprobs};
  work.identity.model = work.requests.front().model;
  co_await answer(service, settings, std::move(work), http, writer);
}

}  // namespace

std::vector<Route> routes(GenerationService& service, DialectSettings settings) {
  return {{.method = "POST", .pattern = "/v1/chat/completions", .errors = ErrorShape::kOpenAi,
           .handler = [&service, settings](const HttpRequest& http, ResponseWriter& writer) { return chat(service, settings, http, writer); }},
          {.method = "POST", .pattern = "/v1/completions", .errors = ErrorShape::kOpenAi,
           .handler = [&service, settings](const HttpRequest& http, ResponseWriter& writer) { return completions(service, settings, http, writer); }}};
}

}  // namespace pensieve::api::openai
