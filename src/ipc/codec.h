// Messages to bytes and back (BEVE). Decoding takes any bytes: what is no message is an error.
#pragma once

#include <string>

#include "base/result.h"
#include "ipc/messages.h"

namespace pensieve::ipc {

std::string encode(const ToWorker& message);
std::string encode(const FromWorker& message);
// Strings, not views: glaze reads up to the terminating zero behind the last byte.
Result<ToWorker> decode_to_worker(const std::string& payload);
Result<FromWorker> decode_from_worker(const std::string& payload);

}  // namespace pensieve::ipc
