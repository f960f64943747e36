#include "api/http/admission.h"

#include <format>

#include "api/http/target.h"

namespace pensieve::api {
namespace {

struct Checked {
  Target target;
  Headers cors;
};

Answered answered(ErrorShape shape, const Fault& fault, std::string_view id, Headers headers = {}) {
  Answered result{render_fault(shape, fault, id)};
  std::ranges::move(headers, std::back_inserter(result.answer.headers));
  return result;
}

// Target, Host and Origin: whether this request is for this server at all.
std::expected<Checked, Fault> check_sender(const Guard& guard, const RequestHead& head) {
  Result<Target> target = parse_target(head.target);
  if (!target) return std::unexpected(Fault{400, std::move(target).error()});
  const std::string_view host = target->authority.empty() ? head.header("host") : std::string_view(target->authority);
  if (auto allowed = guard.check_host(host); !allowed) return std::unexpected(allowed.error());
  const std::string_view origin = head.header("origin");
  if (auto allowed = guard.check_origin(origin, host); !allowed) {
    return std::unexpected(allowed.error());
  }
  return Checked{std::move(*target), cors_headers(origin)};
}

Answered answer_options(const RequestHead& head, const RouteMatch& match, Headers cors) {
  const std::string allow = match.allow.empty() ? "GET, HEAD, POST, OPTIONS" : match.allow;
  Answered result{{204, {{"Allow", allow}}, {}}};
  std::ranges::move(cors, std::back_inserter(result.answer.headers));
  if (!head.header("access-control-request-method").empty()) {
    std::ranges::move(preflight_headers(allow, head.header("access-control-request-headers")), std::back_inserter(result.answer.headers));
  }
  return result;
}

Answered no_route(const RequestHead& head, const RouteMatch& match, ErrorShape shape, std::string_view path, std::string_view id,
                  Headers cors) {
  if (match.allow.empty()) {
    const Fault fault{404,
                      {ErrorCode::kNotFound, std::format("there is nothing at {}", path), "GET / lists what this server offers", "path"}};
    return answered(shape, fault, id, std::move(cors));
  }
  cors.emplace_back("Allow", match.allow);
  const Fault fault{
      405,
      {ErrorCode::kInvalidArgument, std::format("{} does not answer to {}", path, head.method), std::format("use {}", match.allow), {}}};
  return answered(shape, fault, id, std::move(cors));
}

}  // namespace

ErrorShape shape_for(std::string_view target, bool has_anthropic_version) {
  const Result<Target> parsed = parse_target(target);
  return error_shape(nullptr, parsed ? std::string_view(parsed->path) : target, has_anthropic_version);
}

std::variant<Admitted, Answered> admit(const Gate& gate, const RequestHead& head, std::string id) {
  const bool anthropic = head.headers.contains("anthropic-version");
  std::expected<Checked, Fault> checked = check_sender(gate.guard, head);
  if (!checked) return answered(shape_for(head.target, anthropic), checked.error(), id);
  auto& [target, cors] = *checked;

  RouteMatch match = gate.router.match(head.method, target.segments);
  if (match.route == nullptr && head.method == "OPTIONS") {
    return answer_options(head, match, std::move(cors));
  }
  const ErrorShape shape = error_shape(match.route, target.path, anthropic);
  if (match.route == nullptr) {
    return no_route(head, match, shape, target.path, id, std::move(cors));
  }
  if (match.route->needs_key) {
    auto allowed = gate.keys.check(head.header("authorization"), head.header("x-api-key"));
    if (!allowed) return answered(shape, {401, allowed.error()}, id, std::move(cors));
  }
  Admitted admitted;
  admitted.route = match.route;
  admitted.cors = std::move(cors);
  admitted.request = {.method = head.method,
                      .path = std::move(target.path),
                      .query = std::move(target.query),
                      .headers = head.headers,
                      .body = {},
                      .id = std::move(id),
                      .path_parameters = std::move(match.parameters)};
  return admitted;
}

}  // namespace pensieve::api
