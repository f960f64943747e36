// Waits for a generation's next event without letting the client's connection fall silent.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string_view>

#include "api/http/exchange.h"
#include "generation/event.h"
#include "manager/service.h"

namespace pensieve::api {

// The stream's next event. While it takes longer than `interval`, writes `ping` into the answer
// each time the interval passes; the wait for the event goes on meanwhile, so none is lost. Should
// a ping not reach the client, gives Failed with kCancelled: stop working for it. `interval` 0: no
// pings.
boost::asio::awaitable<GenerationEvent> next_with_pings(GenerationStream& stream,
                                                        ResponseWriter& writer,
                                                        std::chrono::milliseconds interval,
                                                        std::string_view ping);

}  // namespace pensieve::api
