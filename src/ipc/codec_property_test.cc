// Every message, with whatever its fields hold, comes back as itself.
#include <gtest/gtest.h>

#include <random>

#include "ipc/codec.h"

namespace pensieve::ipc {
namespace {

// Random values of the types that messages are made of; hostile ones among them.
class Values {
 public:
  explicit Values(unsigned seed) : random_(seed) {}

  std::uint64_t number() { return std::uniform_int_distribution<std::uint64_t>()(random_); }
  std::size_t below(std::size_t bound) { return number() % bound; }
  bool coin() { return number() % 2 == 0; }
  std::int32_t small() { return static_cast<std::int32_t>(number()); }
  std::int64_t wide() { return static_cast<std::int64_t>(number()); }
  std::uint32_t natural() { return static_cast<std::uint32_t>(number()); }
  float real() { return std::normal_distribution<float>(0, 1e6F)(random_); }
  // Any bytes: also zeros, quotes and what is no UTF-8.
  std::string text() {
    std::string out(below(8) == 0 ? below(5000) : below(20), '\0');
    for (char& c : out) c = static_cast<char>(number());
    return out;
  }
  template <typename Make>
  auto some(Make make) {
    std::vector<decltype(make())> out;
    for (std::size_t left = below(4); left > 0; --left) out.push_back(make());
    return out;
  }

  Error error() { return {static_cast<ErrorCode>(below(15)), text(), text(), text()}; }
  Usage usage() { return {wide(), wide(), wide(), wide()}; }
  TokenLogprob logprob() { return {small(), text(), real()}; }
  GenerationEvent event() {
    switch (below(5)) {
      case 0:
        return Started{usage()};
      case 1: {
        const auto logprobs = [this] { return TokenLogprobs{logprob(), some([this] { return logprob(); })}; };
        return Delta{text(), text(), small(), some(logprobs)};
      }
      case 2:
        return ToolCallDelta{small(), text(), text(), text()};
      case 3:
        return Finished{static_cast<StopReason>(below(5)), text(), usage(), {wide(), wide(), wide()}};
      default:
        return Failed{error()};
    }
  }
  Message message() {
    return {.role = static_cast<Role>(below(4)),
            .text = text(),
            .reasoning = text(),
            .tool_calls = some([this] { return ToolCall{text(), text(), text()}; }),
            .tool_call_id = text(),
            .tool_name = text(),
            .tool_failed = coin(),
            .images = some([this] { return Image{text(), text()}; })};
  }
  Sampling sampling() {
    Sampling out{.temperature = real(),
                 .top_p = real(),
                 .top_k = small(),
                 .min_p = real(),
                 .repetition_penalty = real(),
                 .frequency_penalty = real(),
                 .presence_penalty = real(),
                 .penalty_last_n = small(),
                 .logit_bias = some([this] { return LogitBias{small(), real()}; })};
    if (coin()) out.seed = natural();
    return out;
  }
  GenerationRequest request() {
    GenerationRequest out{.id = text(),
                          .model = text(),
                          .prompt_kind = static_cast<PromptKind>(below(3)),
                          .messages = some([this] { return message(); }),
                          .prompt = text(),
                          .prompt_tokens = some([this] { return small(); }),
                          .continue_last_message = coin(),
                          .tools = some([this] { return ToolDefinition{text(), text(), text()}; }),
                          .tool_choice = static_cast<ToolChoice>(below(4)),
                          .tool_choice_name = text(),
                          .parallel_tool_calls = coin(),
                          .output_format = static_cast<OutputFormat>(below(4)),
                          .output_schema = text(),
                          .sampling = sampling(),
                          .stop = some([this] { return text(); }),
                          .top_logprobs = small(),
                          .echo_prompt = coin()};
    out.parse_special = coin();
    out.suffix = text();
    if (coin()) out.priority = Priority::kBatch;
    if (coin()) out.max_tokens = wide();
    if (coin()) out.thinking = coin();
    if (coin()) out.requirements.quality = Quality::kMaximum;
    if (coin()) out.requirements.performance = Performance::kLow;
    if (coin()) out.requirements.min_tokens_per_second = real();
    if (coin()) out.requirements.max_ttft_ms = wide();
    return out;
  }
  EmbeddingRequest embedding_request() {
    EmbeddingRequest out{
        text(), text(), some([this] { return EmbeddingInput{text(), some([this] { return small(); }), coin()}; }), coin(), {}};
    if (coin()) out.dimensions = small();
    return out;
  }
  Embeddings embeddings() {
    return {text(), some([this] { return some([this] { return static_cast<float>(small()); }); }), wide()};
  }
  Hello hello() {
    return {natural(), wide(), text(), some([this] { return Device{text(), text(), text(), wide(), wide()}; })};
  }

 private:
  std::mt19937_64 random_;
};

ToWorker to_worker(Values& v) {
  switch (v.below(10)) {
    case 0:
      return v.hello();
    case 1:
      return LoadModel{v.text(), v.text(), v.natural(), v.natural(), v.natural(), v.small(), v.small(), v.small(), v.text(), v.text()};
    case 2:
      return Generate{v.number(), v.request()};
    case 3:
      return Cancel{v.number()};
    case 4:
      return Credit{v.number(), v.small()};
    case 5:
      return CountTokens{v.number(), v.request()};
    case 6:
      return Ping{v.number()};
    case 7:
      return Embed{v.number(), v.embedding_request()};
    case 8:
      return Throttle{v.small(), v.small(), v.natural(), v.natural(), v.small()};
    default:
      return Shutdown{};
  }
}

FromWorker from_worker(Values& v) {
  switch (v.below(7)) {
    case 0:
      return v.hello();
    case 1:
      return Loaded{v.text(),  v.natural(), v.natural(), v.natural(), v.natural(), v.natural(), v.small(),
                    v.small(), v.wide(),    v.wide(),    v.wide(),    v.wide(),    v.text()};
    case 2:
      return LoadFailed{v.error()};
    case 3:
      return StreamEvent{v.number(), v.event()};
    case 4:
      return TokenCount{v.number(), v.wide(), v.error(), v.coin()};
    case 5:
      return EmbeddingAnswer{v.number(), v.embeddings(), v.error(), v.coin()};
    default:
      return Pong{v.number(), v.number(), v.wide(), v.wide(), v.natural(), v.natural()};
  }
}

TEST(CodecProperty, MessagesToAWorkerComeBackAsThemselves) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Values values(seed);
    const ToWorker sent = to_worker(values);
    const auto back = decode_to_worker(encode(sent));
    ASSERT_TRUE(back) << seed;
    ASSERT_EQ(encode(*back), encode(sent)) << seed;
    if (const auto* embed = std::get_if<Embed>(&sent)) {
      ASSERT_EQ(std::get<Embed>(*back).request, embed->request) << seed;
    }
    if (const auto* generate = std::get_if<Generate>(&sent)) {
      ASSERT_EQ(std::get<Generate>(*back).request, generate->request) << seed;
    }
  }
}

TEST(CodecProperty, MessagesFromAWorkerComeBackAsThemselves) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Values values(seed);
    const FromWorker sent = from_worker(values);
    const auto back = decode_from_worker(encode(sent));
    ASSERT_TRUE(back) << seed;
    ASSERT_EQ(encode(*back), encode(sent)) << seed;
    if (const auto* answer = std::get_if<EmbeddingAnswer>(&sent)) {
      ASSERT_EQ(std::get<EmbeddingAnswer>(*back).embeddings, answer->embeddings) << seed;
    }
    if (const auto* event = std::get_if<StreamEvent>(&sent)) {
      ASSERT_EQ(std::get<StreamEvent>(*back).event, event->event) << seed;
    }
  }
}

// Lengths that the bytes do not hold must be refused before memory is taken for them.
TEST(CodecProperty, ChangedBytesAreRefusedOrUnderstoodAndNeverEndTheProcess) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Values values(seed);
    std::string to = encode(to_worker(values));
    std::string from = encode(from_worker(values));
    for (std::string* bytes : {&to, &from}) {
      for (int changes = 0; changes < 4; ++changes) {
        const std::size_t at = values.below(bytes->size());
        bytes->replace(at, std::min<std::size_t>(bytes->size() - at, values.below(9)),
                       values.coin() ? "\xff\xff\xff\xff" : std::string(values.below(9), '\xfe'));
      }
      (void)decode_to_worker(*bytes);
      (void)decode_from_worker(*bytes);
    }
  }
}

}  // namespace
}  // namespace pensieve::ipc
