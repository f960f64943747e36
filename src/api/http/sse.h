// Server-sent events as text (https://html.spec.whatwg.org/multipage/server-sent-events.html).
#pragma once

#include <string>
#include <string_view>

namespace pensieve::api {

// Headers of a stream of events are these, with `Cache-Control: no-cache`.
inline constexpr std::string_view kEventStreamType = "text/event-stream; charset=utf-8";

// "data: ...\n\n"; line breaks within `data` become further data lines.
std::string sse_data(std::string_view data);

// "event: name\ndata: ...\n\n".
std::string sse_event(std::string_view name, std::string_view data);

// ": text\n\n", which clients ignore; keeps a silent stream alive.
std::string sse_comment(std::string_view text);

}  // namespace pensieve::api
