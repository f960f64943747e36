#include "api/models_routes.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <format>

#include "api/json_value.h"

namespace pensieve::api {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostOfAPage = 1000;

bool anthropic(const HttpRequest& http) { return !http.header("anthropic-version").empty(); }

std::string anthropic_model(const ModelStatus& model, const std::string& id) {
  const std::chrono::sys_seconds created{std::chrono::seconds(model.created_unix)};
  return std::format(R"({{"type":"model","id":{},"display_name":{},"created_at":"{:%FT%TZ}","max_input_tokens":{},"max_tokens":{}}})",
                     json_string(id), json_string(model.id), created, model.context_tokens, model.context_tokens);
}

std::string openai_model(const ModelStatus& model, const std::string& id) {
  return std::format(R"({{"id":{},"object":"model","created":{},"owned_by":"local","context_length":{},"max_model_len":{}}})",
                     json_string(id), model.created_unix, model.context_tokens, model.context_tokens);
}

std::string query(const HttpRequest& http, const char* name) {
  const auto found = http.query.find(name);
  return found == http.query.end() ? std::string() : found->second;
}

// A page of Anthropic's list.
struct Page {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Result<Page> page_of(const HttpRequest& http, const std::vector<std::string>& ids) {
  const auto wrong = [](const char* name, std::string_view problem) {
    return fail(ErrorCode::kInvalidArgument, std::format("{}: {}", name, problem), {}, name);
  };
  const std::string text = query(http, "limit");
  std::size_t limit = 20;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool number = text.empty() || (error == std::errc{} && end == text.data() + text.size());
  if (!number || limit < 1 || limit > kMostOfAPage) return wrong("limit", "must be from 1 to 1000");
  const std::string after = query(http, "after_id");
  const std::string before = query(http, "before_id");
  if (!after.empty() && !before.empty()) return wrong("before_id", "may not be given with after_id");
  const auto position = [&ids](const std::string& id) { return static_cast<std::size_t>(std::ranges::find(ids, id) - ids.begin()); };
  if (!before.empty()) {
    const std::size_t until = position(before);
    if (until == ids.size()) return wrong("before_id", "there is no such model");
    return Page{until - std::min(until, limit), until};
  }
  const std::size_t from = after.empty() ? 0 : position(after) + 1;
  if (from > ids.size()) return wrong("after_id", "there is no such model");
  return Page{from, std::min(ids.size(), from + limit)};
}

Result<std::string> anthropic_list(const HttpRequest& http, const std::vector<std::string>& ids,
                                   const std::vector<const ModelStatus*>& models) {
  const Page page = TRY(page_of(http, ids));
  std::string data;
  for (std::size_t i = page.begin; i < page.end; ++i) data += (data.empty() ? "" : ",") + anthropic_model(*models[i], ids[i]);
  const bool more = query(http, "before_id").empty() ? page.end < ids.size() : page.begin > 0;
  const auto id_or_null = [&](std::size_t at) { return page.begin == page.end ? "null" : json_string(ids[at]); };
  return std::format(R"({{"data":[{}],"has_more":{},"first_id":{},"last_id":{}}})", data, more, id_or_null(page.begin),
                     id_or_null(page.end - 1));
}

asio::awaitable<void> list(GenerationService& service, const HttpRequest& http, ResponseWriter& writer) {
  const ServiceStatus status = service.status();
  std::vector<std::string> ids;
  std::vector<const ModelStatus*> models;
  for (const ModelStatus& model : status.models) {
    if (model.id != status.default_model) continue;
    ids.emplace_back("auto");
    models.push_back(&model);
  }
  for (const ModelStatus& model : status.models) {
    ids.push_back(model.id);
    models.push_back(&model);
  }
  if (anthropic(http)) {
    Result<std::string> page = anthropic_list(http, ids, models);
    if (page) co_return static_cast<void>(co_await writer.send(200, {{"Content-Type", "application/json"}}, *std::move(page)));
    ErrorAnswer error = render_error(ErrorShape::kAnthropic, page.error(), http.id);
    co_return static_cast<void>(co_await writer.send(error.status, std::move(error.headers), std::move(error.body)));
  }
  std::string data;
  for (std::size_t i = 0; i < ids.size(); ++i) data += (data.empty() ? "" : ",") + openai_model(*models[i], ids[i]);
  co_await writer.send(200, {{"Content-Type", "application/json"}}, std::format(R"({{"object":"list","data":[{}]}})", data));
}

asio::awaitable<void> one(GenerationService& service, const HttpRequest& http, ResponseWriter& writer) {
  const std::string& id = http.path_parameters.front();
  const Result<ModelStatus> model = service.find(id);
  if (!model) {
    ErrorAnswer error = render_error(anthropic(http) ? ErrorShape::kAnthropic : ErrorShape::kOpenAi, model.error(), http.id);
    co_return static_cast<void>(co_await writer.send(error.status, std::move(error.headers), std::move(error.body)));
  }
  co_await writer.send(200, {{"Content-Type", "application/json"}},
                       anthropic(http) ? anthropic_model(*model, id) : openai_model(*model, id));
}

}  // namespace

std::vector<Route> models_routes(GenerationService& service) {
  return {{.method = "GET",
           .pattern = "/v1/models",
           .errors = ErrorShape::kOpenAi,
           .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return list(service, http, writer); }},
          {.method = "GET",
           .pattern = "/v1/models/{id*}",
           .errors = ErrorShape::kOpenAi,
           .handler = [&service](const HttpRequest& http, ResponseWriter& writer) { return one(service, http, writer); }}};
}

}  // namespace pensieve::api
