#include <format>
#include <map>

#include "api/ollama/model_json.h"
#include "api/ollama/request.h"
#include "api/ollama/routes.h"

namespace pensieve::api::ollama {

namespace asio = boost::asio;

namespace {

// The version of Ollama's API that this follows. Clients switch features on by it, and some refuse to
// talk to an older one.
constexpr std::string_view kApiVersion = "0.12.6";

using Answer = asio::awaitable<Result<std::string>>;

// A route whose answer is a JSON text; empty: an empty body.
Route route(std::string method, std::string pattern, std::function<Answer(const HttpRequest&)> body) {
  return {.method = std::move(method),
          .pattern = std::move(pattern),
          .errors = ErrorShape::kOllama,
          .handler = [body = std::move(body)](const HttpRequest& http, ResponseWriter& writer) -> asio::awaitable<void> {
            Result<std::string> text = co_await body(http);
            if (!text) co_return co_await send_error(writer, ErrorShape::kOllama, text.error(), http);
            Headers headers;
            if (!text->empty()) headers.emplace_back("Content-Type", "application/json; charset=utf-8");
            co_await writer.send(200, std::move(headers), *std::move(text));
          }};
}

// Text fields of the body, the first under any of its names.
Result<std::string> text_field(const HttpRequest& http, std::initializer_list<const char*> names) {
  const Json json = TRY(parse_body(http.body));
  const Fields body = TRY(Fields::of(json, ""));
  for (const char* name : names) {
    std::optional<std::string> text = TRY(body.text(name));
    if (text && !text->empty()) return std::move(*text);
  }
  return body.wrong(*names.begin(), "is required");
}

std::string tags(const Parts& parts) {
  const ServiceStatus status = parts.service.status();
  std::string out;
  const auto add = [&out](const std::string& entry) { out += (out.empty() ? "" : ",") + entry; };
  std::map<std::string, InstalledModel, std::less<>> models;
  for (const ModelStatus& one : status.models) {
    if (Result<InstalledModel> model = parts.library.find(one.id)) models.emplace(one.id, *std::move(model));
  }
  if (const auto automatic = models.find(status.default_model); automatic != models.end()) add(tag_json(automatic->second, "auto"));
  for (const auto& [id, model] : models) add(tag_json(model, id));
  for (const auto& [name, id] : parts.library.names()) {
    if (const auto model = models.find(id); model != models.end()) add(tag_json(model->second, name));
  }
  return std::format(R"({{"models":[{}]}})", out);
}

std::string running(const Parts& parts) {
  std::string out;
  for (const ModelStatus& status : parts.service.status().models) {
    if (status.state != ModelState::kReady) continue;
    if (const Result<InstalledModel> model = parts.library.find(status.id)) {
      out += (out.empty() ? "" : ",") + running_json(*model, status);
    }
  }
  return std::format(R"({{"models":[{}]}})", out);
}

Result<std::string> show(const Parts& parts, const HttpRequest& http) {
  const std::string name = TRY(text_field(http, {"model", "name"}));
  const InstalledModel model = TRY(parts.library.find(bare_name(name)));
  return show_json(model, TRY(ModelLibrary::header(model)));
}

Result<std::string> copy(const Parts& parts, const HttpRequest& http) {
  const std::string source = TRY(text_field(http, {"source"}));
  const std::string destination = TRY(text_field(http, {"destination"}));
  TRY_VOID(parts.library.copy(bare_name(source), bare_name(destination)));
  return std::string();
}

Answer remove(Parts parts, const HttpRequest& http) {
  const Result<std::string> name = text_field(http, {"model", "name"});
  if (!name) co_return std::unexpected(name.error());
  const std::string bare = bare_name(*name);
  if (Result<void> removed = parts.library.remove(bare); !removed) co_return std::unexpected(std::move(removed).error());
  co_return std::string();
}

Result<std::string> no_create() {
  return fail(ErrorCode::kUnsupported, "models can't be created here",
              "put a GGUF file into the models folder, pull one, or give one a further name with /api/copy");
}

// Serves a body that needs no waiting.
template <typename Body>
std::function<Answer(const HttpRequest&)> at_once(Body body) {
  return [body = std::move(body)](const HttpRequest& http) -> Answer { co_return body(http); };
}

}  // namespace

std::vector<Route> model_routes(Parts parts) {
  const auto refuse = at_once([](const HttpRequest&) { return no_create(); });
  return {
      route("GET", "/api/tags", at_once([parts](const HttpRequest&) -> Result<std::string> { return tags(parts); })),
      route("GET", "/api/ps", at_once([parts](const HttpRequest&) -> Result<std::string> { return running(parts); })),
      route("POST", "/api/show", at_once([parts](const HttpRequest& http) { return show(parts, http); })),
      route("POST", "/api/copy", at_once([parts](const HttpRequest& http) { return copy(parts, http); })),
      route("DELETE", "/api/delete", [parts](const HttpRequest& http) { return remove(parts, http); }),
      route("GET", "/api/version", at_once([parts](const HttpRequest&) -> Result<std::string> {
              return std::format(R"({{"version":"{}","pensieve":"{}"}})", kApiVersion, parts.version);
            })),
      route("POST", "/api/create", refuse),
      route("POST", "/api/push", refuse),
      route("POST", "/api/blobs/{digest}", refuse),
  };
}

std::vector<Route> routes(Parts parts) {
  std::vector<Route> all = generation_routes(parts.service);
  for (std::vector<Route> part : {embed_routes(parts.service), model_routes(parts), pull_routes(parts.library)})
    std::ranges::move(part, std::back_inserter(all));
  return all;
}

}  // namespace pensieve::api::ollama
