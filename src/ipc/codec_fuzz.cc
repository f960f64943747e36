// Any bytes through frames and decoders, both directions. What decodes must come back as itself.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/codec.h"
#include "ipc/frame.h"

namespace {

template <typename Message>
void check(pensieve::Result<Message> (*decode)(const std::string&), const std::string& payload) {
  const pensieve::Result<Message> message = decode(payload);
  if (!message) return;
  const std::string bytes = pensieve::ipc::encode(*message);
  const pensieve::Result<Message> again = decode(bytes);
  if (!again || pensieve::ipc::encode(*again) != bytes) std::abort();
}

void check_both(const std::string& payload) {
  check<pensieve::ipc::ToWorker>(pensieve::ipc::decode_to_worker, payload);
  check<pensieve::ipc::FromWorker>(pensieve::ipc::decode_from_worker, payload);
}

// Valid payloads, which a mutation starts from now and then: random bytes rarely get past the tags.
const std::vector<std::string>& samples() {
  using namespace pensieve;
  static const std::vector<std::string> kSamples = [] {
    GenerationRequest request;
    request.messages = {{.role = Role::kAssistant, .text = "hi", .tool_calls = {{"id", "f", "{}"}}, .images = {{"image/png", "x"}}}};
    request.tools = {{"f", "does", "{}"}};
    request.prompt_tokens = {1, 2};
    request.stop = {"end"};
    request.sampling.seed = 1;
    request.sampling.logit_bias = {{1, -1.0F}};
    request.max_tokens = 5;
    std::vector<std::string> out;
    for (const ipc::ToWorker& message :
         {ipc::ToWorker(ipc::Hello{.devices = {{"cpu", "a", "cpu", 1, 1}}}), ipc::ToWorker(ipc::LoadModel{}),
          ipc::ToWorker(ipc::Generate{1, request}), ipc::ToWorker(ipc::Credit{1, 5}), ipc::ToWorker(ipc::CountTokens{1, request}),
          ipc::ToWorker(ipc::Embed{1, {.inputs = {{.text = "a"}, {.tokens = {1}, .is_tokens = true}}, .dimensions = 3}}),
          ipc::ToWorker(ipc::Ping{1}), ipc::ToWorker(ipc::Shutdown{}), ipc::ToWorker(ipc::Throttle{1, 1, 128, 2, 50})}) {
      out.push_back(ipc::encode(message));
    }
    const Delta delta{.text = "t", .tokens = 1, .logprobs = {{{1, "a", -1.0}, {{2, "b", -2.0}}}}};
    for (const ipc::FromWorker& message :
         {ipc::FromWorker(ipc::Loaded{}), ipc::FromWorker(ipc::LoadFailed{}), ipc::FromWorker(ipc::StreamEvent{1, delta}),
          ipc::FromWorker(ipc::StreamEvent{1, Finished{}}), ipc::FromWorker(ipc::StreamEvent{1, Failed{}}),
          ipc::FromWorker(ipc::TokenCount{}),
          ipc::FromWorker(ipc::EmbeddingAnswer{1, {.model = {}, .vectors = {{0.5F, 1.0F}}, .prompt_tokens = 2}}),
          ipc::FromWorker(ipc::Pong{})}) {
      out.push_back(ipc::encode(message));
    }
    return out;
  }();
  return kSamples;
}

}  // namespace

// Weak: absent where inputs are only replayed, and not called there.
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 32 != 0) return LLVMFuzzerMutate(data, size, most);
  const std::string& sample = samples()[seed / 32 % samples().size()];
  const std::string bytes = seed / 1024 % 2 == 0 ? std::string(1, '\0') + sample : std::string(1, '\x21') + pensieve::ipc::frame(sample);
  if (bytes.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::ranges::copy(bytes, data);
  return bytes.size();
}

// The first byte says how: even, the rest is one payload; odd, a stream of frames that arrives in
// pieces of that many bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = data[0];
  bytes.remove_prefix(1);
  if (piece % 2 == 0) {
    check_both(std::string(bytes));
    return 0;
  }
  pensieve::ipc::FrameReader reader;
  while (!bytes.empty()) {
    reader.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const auto payload = reader.next();
      if (!payload) return 0;
      if (!*payload) break;
      check_both(**payload);
    }
  }
  return 0;
}
