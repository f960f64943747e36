#include "api/exchange_tools.h"

#include <charconv>
#include <format>
#include <utility>

namespace pensieve::api {

namespace asio = boost::asio;

namespace {

std::unexpected<Error> bad_header(std::string_view name, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument, std::format("header {} must be {}", name, wanted), "", std::string(name));
}

template <typename T>
Result<std::optional<T>> positive(const HttpRequest& http, const std::string& name, std::string_view shown) {
  const std::string_view text = http.header(name);
  if (text.empty()) return std::nullopt;
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value > 0)) return bad_header(shown, "a number over 0");
  return value;
}

}  // namespace

Result<void> apply_knobs(const HttpRequest& http, GenerationRequest& request) {
  const std::string_view quality = http.header("x-pensieve-quality");
  if (quality == "good")
    request.requirements.quality = Quality::kGood;
  else if (quality == "high")
    request.requirements.quality = Quality::kHigh;
  else if (quality == "maximum")
    request.requirements.quality = Quality::kMaximum;
  else if (!quality.empty())
    return bad_header("X-Pensieve-Quality", "good, high or maximum");
  const std::string_view performance = http.header("x-pensieve-performance");
  if (performance == "high")
    request.requirements.performance = Performance::kHigh;
  else if (performance == "medium")
    request.requirements.performance = Performance::kMedium;
  else if (performance == "low")
    request.requirements.performance = Performance::kLow;
  else if (!performance.empty())
    return bad_header("X-Pensieve-Performance", "high, medium or low");
  request.requirements.min_tokens_per_second = TRY(positive<double>(http, "x-pensieve-min-tps", "X-Pensieve-Min-TPS"));
  request.requirements.max_ttft_ms = TRY(positive<std::int64_t>(http, "x-pensieve-max-ttft-ms", "X-Pensieve-Max-TTFT-Ms"));
  const std::string_view priority = http.header("x-pensieve-priority");
  if (priority == "batch")
    request.priority = Priority::kBatch;
  else if (!priority.empty() && priority != "interactive")
    return bad_header("X-Pensieve-Priority", "interactive or batch");
  request.id = http.id;
  return {};
}

Headers answer_headers(const std::string& model, const HttpRequest& http, std::string_view content_type, std::string_view degraded) {
  Headers headers = {{"Content-Type", std::string(content_type)}, {"X-Pensieve-Decision", http.id}};
  if (!model.empty()) headers.emplace_back("X-Pensieve-Model", model);
  if (!degraded.empty()) headers.emplace_back("X-Pensieve-Degraded", header_text(degraded));
  if (content_type == "text/event-stream") headers.emplace_back("Cache-Control", "no-cache");
  return headers;
}

asio::awaitable<void> send_error(ResponseWriter& writer, ErrorShape shape, const Error& error, const HttpRequest& http) {
  ErrorAnswer answer = render_error(shape, error, http.id);
  co_await writer.send(answer.status, std::move(answer.headers), std::move(answer.body));
}

asio::awaitable<Result<Begun>> begin_generation(GenerationService& service, GenerationRequest request, std::chrono::milliseconds interval,
                                                OnSilence on_silence) {
  const Error gone{ErrorCode::kCancelled, "the client is gone", "", ""};
  if (Result<void> chosen = co_await service.choose(request); !chosen) co_return std::unexpected(std::move(chosen).error());
  while (!co_await service.settled(request.model, interval)) {
    if (!co_await on_silence()) co_return std::unexpected(gone);
  }
  auto stream = co_await service.generate(std::move(request));
  if (!stream) co_return std::unexpected(stream.error());
  std::optional<GenerationEvent> first = co_await next_event(**stream, interval, on_silence);
  if (!first) co_return std::unexpected(gone);
  if (auto* failed = std::get_if<Failed>(&*first)) co_return std::unexpected(std::move(failed->error));
  co_return Begun{std::move(*stream), std::move(*first)};
}

asio::awaitable<std::optional<GenerationEvent>> next_event(GenerationStream& stream, std::chrono::milliseconds interval,
                                                           const OnSilence& on_silence) {
  for (;;) {
    std::optional<GenerationEvent> event = co_await stream.next(interval);
    if (event) co_return event;
    if (!co_await on_silence()) co_return std::nullopt;
  }
}

void WholeAnswer::add(GenerationEvent&& event) {
  if (auto* delta = std::get_if<Delta>(&event)) {
    text += delta->text;
    reasoning += delta->reasoning;
    for (TokenLogprobs& entry : delta->logprobs) logprobs.push_back(std::move(entry));
  } else if (auto* call = std::get_if<ToolCallDelta>(&event)) {
    const auto index = static_cast<std::size_t>(std::max(call->index, 0));
    if (index >= tool_calls.size()) tool_calls.resize(index + 1);
    tool_calls[index].id += call->id;
    tool_calls[index].name += call->name;
    tool_calls[index].arguments += call->arguments_delta;
  } else if (auto* ended = std::get_if<Finished>(&event)) {
    finished = std::move(*ended);
  }
}

asio::awaitable<Result<WholeAnswer>> whole_answer(GenerationService& service, GenerationRequest request) {
  constexpr std::chrono::hours kPatience{1};
  auto stream = co_await service.generate(std::move(request));
  if (!stream) co_return std::unexpected(stream.error());
  WholeAnswer answer;
  for (bool ended = false; !ended;) {
    std::optional<GenerationEvent> event = co_await (*stream)->next(kPatience);
    if (!event) continue;
    if (auto* failed = std::get_if<Failed>(&*event)) co_return std::unexpected(std::move(failed->error));
    ended = is_terminal(*event);
    answer.add(std::move(*event));
  }
  answer.model = (*stream)->model();
  answer.degraded = (*stream)->degraded();
  co_return answer;
}

}  // namespace pensieve::api
