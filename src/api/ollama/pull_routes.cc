#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <format>

#include "api/ollama/answer.h"
#include "api/ollama/pulls.h"
#include "api/ollama/request.h"
#include "api/ollama/routes.h"

namespace pensieve::api::ollama {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kInterval{250};  // between two lines of progress

std::string status_line(std::string_view status) { return std::format("{{\"status\":\"{}\"}}\n", status); }

std::string progress_line(const PullPlan& plan, const PullState& state) {
  const std::string& sum = plan.files.front().sha256;
  const std::string name = sum.empty() ? plan.files.front().destination.filename().string() : sum.substr(0, 12);
  std::string line = std::format("{{\"status\":{}", json_string("pulling " + name));
  line += std::format(R"(,"digest":{})", json_string(sum.empty() ? name : "sha256:" + sum));
  if (state.total > 0) line += std::format(R"(,"total":{},"completed":{})", state.total, state.done);
  return line + "}\n";
}

struct Wish {
  PullPlan plan;
  bool stream = true;
};

Result<Wish> parse(ModelLibrary& library, const HttpRequest& http) {
  const Json json = TRY(parse_body(http.body));
  const Fields body = TRY(Fields::of(json, ""));
  const std::string name = bare_name(TRY(model_field(body)));
  Wish wish{.stream = TRY(body.boolean("stream")).value_or(true)};
  if (library.find(name)) return wish;  // it is there
  wish.plan = TRY(library.plan(name));
  return wish;
}

// Waits for the download while `report` takes its state; false ends it (the download goes on for
// whoever else waits, or stops).
asio::awaitable<Result<void>> follow(const Pull& pull, std::function<asio::awaitable<bool>(const PullState&)> report) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    const PullState state = pull.state();
    if (state.failure) co_return std::unexpected(*state.failure);
    if (!co_await report(state)) co_return fail(ErrorCode::kCancelled, "the client is gone");
    if (state.ended) co_return Result<void>();
    timer.expires_after(kInterval);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> pull(ModelLibrary& library, Pulls& pulls, const HttpRequest& http, ResponseWriter& writer) {
  Result<Wish> wish = parse(library, http);
  if (!wish) co_return co_await send_error(writer, ErrorShape::kOllama, wish.error(), http);
  std::shared_ptr<Pull> running;
  if (!wish->plan.files.empty()) {
    Result<std::shared_ptr<Pull>> begun = pulls.begin(wish->plan);
    if (!begun) co_return co_await send_error(writer, ErrorShape::kOllama, begun.error(), http);
    running = *std::move(begun);
  }
  if (!wish->stream) {
    const Result<void> done =
        running ? co_await follow(*running, [](const PullState&) -> asio::awaitable<bool> { co_return true; }) : Result<void>();
    if (!done) co_return co_await send_error(writer, ErrorShape::kOllama, done.error(), http);
    co_await writer.send(200, answer_headers("", http, "application/json; charset=utf-8"), R"({"status":"success"})");
    co_return;
  }
  if (!co_await writer.begin_stream(200, answer_headers("", http, "application/x-ndjson"))) co_return;
  if (!co_await writer.write(status_line("pulling manifest"))) co_return;
  if (running) {
    const Result<void> done = co_await follow(*running, [&](const PullState& state) -> asio::awaitable<bool> {
      co_return co_await writer.write(progress_line(wish->plan, state));
    });
    if (!done) {
      co_await writer.write(AnswerWriter::error(done.error()));
      co_return static_cast<void>(co_await writer.end_stream());
    }
  }
  for (const char* status : {"verifying sha256 digest", "writing manifest", "success"}) {
    if (!co_await writer.write(status_line(status))) co_return;
  }
  co_await writer.end_stream();
}

}  // namespace

std::vector<Route> pull_routes(ModelLibrary& library) {
  const auto pulls = std::make_shared<Pulls>();
  return {{.method = "POST",
           .pattern = "/api/pull",
           .errors = ErrorShape::kOllama,
           .handler = [&library, pulls](const HttpRequest& http, ResponseWriter& writer) { return pull(library, *pulls, http, writer); }}};
}

}  // namespace pensieve::api::ollama
