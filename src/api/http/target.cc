#include "api/http/target.h"

#include <boost/url.hpp>

namespace pensieve::api {
namespace {

std::string decode(boost::urls::pct_string_view text, bool plus_is_space) {
  boost::urls::encoding_opts options;
  options.space_as_plus = plus_is_space;
  return text.decode(options);
}

Target take_apart(const boost::urls::url_view& url) {
  Target target;
  for (const boost::urls::pct_string_view segment : url.encoded_segments()) {
    if (segment.empty()) continue;
    target.segments.push_back(decode(segment, false));
    target.path += '/';
    target.path += target.segments.back();
  }
  if (target.path.empty()) target.path = "/";
  for (const auto& parameter : url.encoded_params()) {
    target.query.insert_or_assign(decode(parameter.key, true), parameter.has_value ? decode(parameter.value, true) : "");
  }
  if (url.has_authority()) target.authority = url.encoded_host_and_port();
  return target;
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  if (text == "*") return Target{.path = "*", .segments = {}, .query = {}, .authority = {}};
  const bool origin_form = text.starts_with('/');
  const auto parsed = origin_form ? boost::urls::parse_origin_form(text) : boost::urls::parse_absolute_uri(text);
  const bool http =
      origin_form || (parsed && (parsed->scheme_id() == boost::urls::scheme::http || parsed->scheme_id() == boost::urls::scheme::https));
  if (!parsed || !http || (!origin_form && parsed->host().empty())) {
    return fail(ErrorCode::kInvalidArgument, "the request target is not a valid path", "percent-encode characters that a URL may not hold");
  }
  return take_apart(*parsed);
}

}  // namespace pensieve::api
