// What the dialects share: knobs in headers, waiting with pings, rendering errors.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/disclosure.h"
#include "api/http/exchange.h"
#include "manager/service.h"

namespace pensieve::api {

// Settings of the dialects.
struct DialectSettings {
  std::chrono::milliseconds ping_interval{10'000};
};

// Reads the X-Pensieve-* headers into the request. Error kInvalidArgument names the header.
Result<void> apply_knobs(const HttpRequest& http, GenerationRequest& request);

// X-Pensieve-Model, X-Pensieve-Decision, and X-Pensieve-Degraded if there is something to say of it.
Headers answer_headers(const std::string& model, const HttpRequest& http, std::string_view content_type, std::string_view degraded = {});

boost::asio::awaitable<void> send_error(ResponseWriter& writer, ErrorShape shape, const Error& error, const HttpRequest& http);

// A generation that has begun: its stream and its first event, which is never Failed.
struct Begun {
  std::unique_ptr<GenerationStream> stream;
  GenerationEvent first;
};

// Waits for a model and for the first event. `on_silence` is called after each interval without one
// (to send a ping); it returns false when the client is gone, which fails with kCancelled.
using OnSilence = std::function<boost::asio::awaitable<bool>()>;
boost::asio::awaitable<Result<Begun>> begin_generation(GenerationService& service, GenerationRequest request,
                                                       std::chrono::milliseconds interval, OnSilence on_silence);

// The next event; pings as above. Empty: the client is gone.
boost::asio::awaitable<std::optional<GenerationEvent>> next_event(GenerationStream& stream, std::chrono::milliseconds interval,
                                                                  const OnSilence& on_silence);

// A whole answer, for requests that are not streamed.
struct WholeAnswer {
  std::string model;     // the one that gave the end of the answer
  std::string degraded;  // what it got less of; empty: nothing
  std::string text;
  std::string reasoning;
  std::vector<ToolCall> tool_calls;
  std::vector<TokenLogprobs> logprobs;
  Finished finished;

  // Adds what an event brings. Failed adds nothing.
  void add(GenerationEvent&& event);
};
boost::asio::awaitable<Result<WholeAnswer>> whole_answer(GenerationService& service, GenerationRequest request);

}  // namespace pensieve::api
