// Messages to bytes and back (BEVE). Decoding takes any bytes: what is no message is an error.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ipc/messages.h"

namespace pensieve::ipc {

std::string encode(const ToWorker& message);
std::string encode(const FromWorker& message);
Result<ToWorker> decode_to_worker(std::string_view payload);
Result<FromWorker> decode_from_worker(std::string_view payload);

}  // namespace pensieve::ipc
