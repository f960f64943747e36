// memory_check FILE CONTEXT BATCH SEQUENCES OUTPUTS CACHE FLASH UNIFIED ...
// Prints a line for each setting: predicted and libllama's weights, cache and compute buffer.
#include <cstdio>
#include <cstdlib>
#include <print>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/reservation.h"
#include "gguf/model_shape.h"
#include "machine/machine_probe.h"
#include "memory/cache_memory.h"
#include "memory/compute_memory.h"
#include "memory/model_memory.h"

using namespace pensieve;

namespace {

constexpr int kFields = 7;

engine::ReservationSettings settings_from(char** words) {
  const auto number = [&](int i) { return static_cast<std::uint32_t>(std::strtoul(words[i], nullptr, 10)); };
  return {number(0), number(2), number(1), number(3), words[4], number(5) != 0, number(6) != 0};
}

Result<void> check(const std::string& path, const std::vector<engine::ReservationSettings>& settings) {
  const auto source = TRY(gguf::open_file(path));
  const gguf::Header header = TRY(gguf::read_header(*source));
  const gguf::ModelShape model = TRY(gguf::model_shape(header));
  const bool tiles = system_probe()->identity().tiles;
  const std::vector<engine::Reservation> real = TRY(engine::reserve(path, settings));
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const engine::ReservationSettings& one = settings[i];
    const memory::ContextSettings mine{.context_tokens = one.context_tokens,
                                       .sequences = one.sequences,
                                       .batch_tokens = one.batch_tokens,
                                       .outputs = one.outputs,
                                       .cache = memory::find_cache_type(one.cache_type).value(),
                                       .flash_attention = one.flash_attention,
                                       .unified = one.unified};
    const memory::ModelMemory predicted = memory::model_memory(model, mine, {.repacks = true, .tiles = tiles});
    std::println("{} {} {} {} {} {}", predicted.weights.value, real[i].weights.value, predicted.cache.value, real[i].cache.value,
                 predicted.compute.value, real[i].compute.value);
  }
  return {};
}

}  // namespace

int main(int count, char** words) {
  if (count < 2 + kFields || (count - 2) % kFields != 0) return 2;
  engine::initialise_backends();
  std::vector<engine::ReservationSettings> settings;
  for (int i = 2; i < count; i += kFields) settings.push_back(settings_from(words + i));
  if (const Result<void> done = check(words[1], settings); !done) {
    std::println(stderr, "{}", done.error().text());
    return 1;
  }
  return 0;
}
