// What a message costs on its way: one token's text, and a long prompt.
#include <benchmark/benchmark.h>

#include "ipc/codec.h"
#include "ipc/frame.h"

namespace pensieve::ipc {
namespace {

FromWorker token() { return StreamEvent{7, Delta{.text = " token", .tokens = 1}}; }

ToWorker prompt(std::int64_t bytes) {
  GenerationRequest request;
  request.messages.push_back({.role = Role::kUser, .text = std::string(static_cast<std::size_t>(bytes), 'x')});
  return Generate{7, std::move(request)};
}

void BM_EncodeToken(benchmark::State& state) {
  const FromWorker message = token();
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_frame(out, encode(message));
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_EncodeToken);

void BM_DecodeToken(benchmark::State& state) {
  const std::string payload = encode(token());
  for (auto _ : state) benchmark::DoNotOptimize(decode_from_worker(payload));
}
BENCHMARK(BM_DecodeToken);

// A burst: as many frames as one read of the socket takes.
void BM_CutFrames(benchmark::State& state) {
  const std::string one = frame(encode(token()));
  std::string burst;
  while (burst.size() < 64 * 1024) burst += one;
  std::int64_t frames = 0;
  FrameReader reader;
  for (auto _ : state) {
    reader.append(burst);
    while (auto payload = *reader.next()) {
      ++frames;
      benchmark::DoNotOptimize(payload->data());
    }
  }
  state.SetItemsProcessed(frames);
}
BENCHMARK(BM_CutFrames);

void BM_EncodePrompt(benchmark::State& state) {
  const ToWorker message = prompt(state.range(0));
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_frame(out, encode(message));
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_EncodePrompt)->Arg(100'000)->Arg(32'000'000);

// As it arrives: in reads of 64 KiB.
void BM_ReadPrompt(benchmark::State& state) {
  const std::string bytes = frame(encode(prompt(state.range(0))));
  for (auto _ : state) {
    FrameReader reader;
    std::optional<std::string> payload;
    for (std::size_t at = 0; at < bytes.size(); at += 64 * 1024) {
      reader.append(std::string_view(bytes).substr(at, 64 * 1024));
      payload = *reader.next();
    }
    benchmark::DoNotOptimize(decode_to_worker(*payload));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ReadPrompt)->Arg(100'000)->Arg(32'000'000);

}  // namespace
}  // namespace pensieve::ipc
