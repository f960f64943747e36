#include "api/openai/routes.h"

#include <boost/asio/this_coro.hpp>
#include <chrono>

#include "api/choices.h"
#include "api/openai/answer.h"
#include "api/openai/request.h"
#include "base/ids.h"

namespace pensieve::api::openai {

namespace asio = boost::asio;

namespace {

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// One parsed request and where its answer goes.
struct Work {
  ParsedRequest parsed;
  Identity identity;
  DialectSettings settings;
  const HttpRequest& http;
  ResponseWriter& writer;

  [[nodiscard]] Headers headers(const Choices& choices, std::string_view content_type) const {
    return answer_headers(choices.model(), http, content_type, choices.degraded());
  }
  [[nodiscard]] Disclosure disclosure(const Choices& choices) const {
    return {.model = choices.model(), .decision = http.id, .degraded = choices.degraded()};
  }
};

asio::awaitable<void> stream_answer(Work& work, Choices& choices) {
  ResponseWriter& writer = work.writer;
  std::optional<ChunkWriter> chunks;
  bool open = false;
  Disclosure disclosed;  // with the headers
  std::vector<Usage> usages(choices.size());
  for (std::size_t running = choices.size(); running > 0;) {
    const std::optional<ChoiceEvent> next = co_await choices.next(work.settings.ping_interval);
    const auto* failed = next ? std::get_if<Failed>(&next->event) : nullptr;
    if (failed && !open) co_return co_await send_error(writer, ErrorShape::kOpenAi, failed->error, work.http);
    if (!open && !co_await writer.begin_stream(200, work.headers(choices, "text/event-stream"))) co_return;
    if (!open) disclosed = work.disclosure(choices);
    open = true;
    if (failed) {
      co_await writer.write(ChunkWriter::error(failed->error, work.http.id));
      co_return static_cast<void>(co_await writer.end_stream());
    }
    if (!next) {
      if (!co_await writer.write(ChunkWriter::ping())) co_return;
      continue;
    }
    if (!chunks) {
      work.identity.model = choices.model();
      chunks.emplace(work.identity, work.parsed.include_usage, work.parsed.logprobs);
    }
    // A client that gets no usage still learns what came up after the headers.
    if (is_terminal(next->event) && !work.parsed.include_usage && work.disclosure(choices) != disclosed)
      chunks->disclose(work.disclosure(choices));
    const std::string chunk = chunks->event(next->choice, next->event);
    if (!chunk.empty() && !co_await writer.write(chunk)) co_return;
    if (const auto* finished = std::get_if<Finished>(&next->event)) {
      usages[next->choice] = finished->usage;
      --running;
    }
  }
  if (work.parsed.include_usage) {
    const Usage usage = total_usage(usages, work.parsed.per_prompt);
    if (!co_await writer.write(chunks->usage(usage, work.disclosure(choices)))) co_return;
  }
  if (!co_await writer.write(ChunkWriter::done())) co_return;
  co_await writer.end_stream();
}

asio::awaitable<void> whole_answer(Work& work, Choices& choices) {
  std::vector<WholeAnswer> answers(choices.size());
  for (std::size_t running = choices.size(); running > 0;) {
    std::optional<ChoiceEvent> next = co_await choices.next(work.settings.ping_interval);
    if (!next) continue;
    if (const auto* failed = std::get_if<Failed>(&next->event)) {
      co_return co_await send_error(work.writer, ErrorShape::kOpenAi, failed->error, work.http);
    }
    if (is_terminal(next->event)) --running;
    answers[next->choice].add(std::move(next->event));
  }
  work.identity.model = choices.model();
  work.identity.disclosure = work.disclosure(choices);
  co_await work.writer.send(200, work.headers(choices, "application/json"),
                            whole_body(work.identity, answers, work.parsed.per_prompt, work.parsed.logprobs));
}

// The handler of either endpoint.
asio::awaitable<void> answer(GenerationService& service, DialectSettings settings, const HttpRequest& http, ResponseWriter& writer,
                             bool chat) {
  Result<ParsedRequest> parsed = chat ? parse_chat_request(http.body) : parse_completion_request(http.body);
  if (!parsed) co_return co_await send_error(writer, ErrorShape::kOpenAi, parsed.error(), http);
  for (GenerationRequest& request : parsed->requests) {
    if (const Result<void> knobs = apply_knobs(http, request); !knobs) {
      co_return co_await send_error(writer, ErrorShape::kOpenAi, knobs.error(), http);
    }
  }
  Work work{.parsed = std::move(*parsed),
            .identity = {.id = random_id(chat ? "chatcmpl-" : "cmpl-", 24), .model = {}, .created = unix_now(), .chat = chat},
            .settings = settings,
            .http = http,
            .writer = writer};
  Choices choices(co_await asio::this_coro::executor, service, std::move(work.parsed.requests), work.parsed.per_prompt);
  co_await choices.run([&] { return work.parsed.stream ? stream_answer(work, choices) : whole_answer(work, choices); });
}

}  // namespace

std::vector<Route> routes(GenerationService& service, DialectSettings settings) {
  const auto route = [&](std::string pattern, bool chat) {
    return Route{.method = "POST",
                 .pattern = std::move(pattern),
                 .errors = ErrorShape::kOpenAi,
                 .handler = [&service, settings, chat](const HttpRequest& http, ResponseWriter& writer) {
                   return answer(service, settings, http, writer, chat);
                 }};
  };
  return {route("/v1/chat/completions", true), route("/v1/completions", false)};
}

}  // namespace pensieve::api::openai
