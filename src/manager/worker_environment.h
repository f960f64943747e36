// The environment variables of a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pensieve {

// How long a computing thread waits for the others of its step without giving its core away. Where nothing
// else runs, they come within microseconds. Where two workers share the cores, the default of GNU's OpenMP (some
// ten milliseconds, several times in each layer) stops both for a second: each thread burns the time that the one it
// waits for needs.
constexpr std::chrono::microseconds kThreadWait{200};

// `environment` ("NAME=value" each) with what bounds the waits of OpenMP threads to `passes` of its waiting loop, unless
// the user has chosen how they wait. Pure.
std::vector<std::string> worker_environment(std::vector<std::string> environment, std::int64_t passes);

// Passes of OpenMP's waiting loop that take `duration` on this CPU. Takes less than a millisecond.
std::int64_t waiting_passes(std::chrono::nanoseconds duration);

// This process's own variables.
std::vector<std::string> own_environment();

}  // namespace pensieve
