// The engine with real models. PENSIEVE_TEST_MODELS names the folder that has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <future>
#include <utility>

#include "base/utf8.h"
#include "engine/engine.h"
#include "engine/event_log_fake.h"

namespace pensieve::engine {
namespace {

using testing::HasSubstr;

std::string model_path(const std::string& name) {
  const char* folder = std::getenv("PENSIEVE_TEST_MODELS");
  if (folder == nullptr) {
    ADD_FAILURE() << "set PENSIEVE_TEST_MODELS to the folder that has " << name;
    return {};
  }
  return (std::filesystem::path(folder) / name).string();
}

void initialise_once() {
  static const bool done = [] {
    initialise_backends();
    return true;
  }();
  (void)done;
}

// One model for all tests of a suite: loading is what takes the time.
template <typename Suite>
class WithModel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    initialise_once();
    log = new EventLog;
    auto loaded = load(Suite::settings(), log->sink());
    if (loaded) {
      engine = loaded->release();
    } else {
      ADD_FAILURE() << loaded.error().text();
    }
  }
  static void TearDownTestSuite() {
    delete engine;
    delete log;
  }
  void SetUp() override { ASSERT_NE(engine, nullptr); }

  static StreamRecord run(GenerationRequest request) {
    const ipc::StreamId stream = ++streams;
    engine->submit(stream, std::move(request));
    return log->wait(stream);
  }

  static inline Engine* engine = nullptr;
  static inline EventLog* log = nullptr;
  static inline ipc::StreamId streams = 0;
};

GenerationRequest ask(const std::string& question, std::int64_t max_tokens) {
  GenerationRequest request;
  Message system;
  system.role = Role::kSystem;
  system.text = "You are a helpful assistant.";
  Message user;
  user.text = question;
  request.messages = {system, user};
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  return request;
}

GenerationRequest complete(const std::string& prompt, std::int64_t max_tokens) {
  GenerationRequest request;
  request.prompt_kind = PromptKind::kText;
  request.prompt = prompt;
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  return request;
}

class SmolRealModel : public WithModel<SmolRealModel> {
 public:
  static ipc::LoadModel settings() {
    ipc::LoadModel settings;
    settings.model_id = "smol";
    settings.path = model_path("SmolLM2-135M-Instruct.Q4_1.gguf");
    settings.context_tokens = 4096;
    settings.threads = settings.batch_threads = 1;  // the machine may be busy
    return settings;
  }
};

TEST_F(SmolRealModel, ReportsItsOwnFigures) {
  const ipc::Loaded& loaded = engine->loaded();
  EXPECT_EQ(loaded.architecture, "llama");
  EXPECT_EQ(loaded.context_tokens, 4096U);
  EXPECT_EQ(loaded.sequence_context_tokens, 4096U);
  EXPECT_EQ(loaded.trained_context_tokens, 8192U);
  EXPECT_EQ(loaded.max_sequences, 8U);
  EXPECT_EQ(loaded.vocabulary_size, 49152U);
  // 30 layers, 3 heads of 64 for K and for V, 2 bytes each.
  EXPECT_EQ(loaded.kv_bytes, 4096 * 30 * 3 * 64 * 2 * 2);
  EXPECT_NEAR(static_cast<double>(loaded.weights_bytes), 96.6e6, 1e6);
  EXPECT_GT(loaded.compute_bytes, 1'000'000);
  EXPECT_LT(loaded.compute_bytes, 200'000'000);
  EXPECT_GE(loaded.threads, 1);
  EXPECT_GT(loaded.load_us, 0);
}

TEST_F(SmolRealModel, AnswersSensiblyAndEndsItsTurn) {
  const StreamRecord record = run(ask("What is the capital of France?", 100));
  EXPECT_EQ(record.text(), "The capital of France is Paris.");
  EXPECT_EQ(record.first<Finished>()->reason, StopReason::kEndOfTurn);
}

TEST_F(SmolRealModel, GivesTheSameGreedyAnswerAloneAndAmongEight) {
  const std::string alone = run(ask("Name three colours.", 40)).text();
  EXPECT_EQ(run(ask("Name three colours.", 40)).text(), alone);
  std::vector<ipc::StreamId> others;
  for (int i = 0; i < 8; ++i) {
    others.push_back(++streams);
    const std::string question = i % 2 == 0 ? "Name three colours." : "Count from 1 to " + std::to_string(i);
    engine->submit(others.back(), ask(question, 40));
  }
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::string text = log->wait(others[i]).text();
    if (i % 2 == 0) {
      EXPECT_EQ(text, alone);
    } else {
      EXPECT_FALSE(text.empty());
    }
  }
}

TEST_F(SmolRealModel, CountsTheTokensThatItReadsAndCaches) {
  const GenerationRequest first = ask("Tell me about the sea and its tides.", 8);
  const std::int64_t counted = engine->count_tokens(first).value();
  EXPECT_EQ(run(first).first<Finished>()->usage.prompt_tokens, counted);
  const Usage again = run(first).first<Finished>()->usage;
  EXPECT_EQ(again.prompt_tokens, counted);
  EXPECT_EQ(again.cached_prompt_tokens, counted - 1);
}

TEST_F(SmolRealModel, AnswersTheSameFromACachedPrefix) {
  const std::string text = "Once upon a time, in a small village by the sea, there lived";
  const std::string question = text + " an old woman who";
  const std::string fresh = run(complete(question, 30)).text();
  run(complete(text + " a cat", 30));
  const StreamRecord cached = run(complete(question, 30));
  EXPECT_GT(cached.first<Finished>()->usage.cached_prompt_tokens, 10);
  EXPECT_EQ(cached.text(), fresh);
}

// The second time nothing of the prompt is computed: its last token alone could go through other kernels.
TEST_F(SmolRealModel, AnswersTheSameWhenAskedAgain) {
  for (const std::string question : {"Name three rivers of Europe.", "What is a lambda in C++?", "Why is the sky blue?"}) {
    const StreamRecord first = run(ask(question, 40));
    const StreamRecord again = run(ask(question, 40));
    EXPECT_EQ(again.text(), first.text());
    const Usage usage = again.first<Finished>()->usage;
    EXPECT_EQ(usage.cached_prompt_tokens, usage.prompt_tokens - 1);
  }
}

TEST_F(SmolRealModel, StopsAtAStopString) {
  GenerationRequest request = complete("1, 2, 3, 4, 5, 6, 7, 8, 9,", 60);
  request.stop = {" 13"};
  const StreamRecord record = run(request);
  EXPECT_EQ(record.text(), " 10, 11, 12,");
  EXPECT_EQ(record.first<Finished>()->reason, StopReason::kStopSequence);
  EXPECT_EQ(record.first<Finished>()->stop_sequence, " 13");
}

TEST_F(SmolRealModel, ContinuesThePrefilledAnswer) {
  GenerationRequest request = ask("What is the capital of France?", 20);
  Message prefilled;
  prefilled.role = Role::kAssistant;
  prefilled.text = "The capital of France is the city of";
  request.messages.push_back(prefilled);
  request.continue_last_message = true;
  EXPECT_TRUE(run(request).text().starts_with(" Paris"));
}

TEST_F(SmolRealModel, DrawsTheSameTokensForASeed) {
  GenerationRequest request = complete("The weather today is", 20);
  request.sampling.temperature = 1.2F;
  request.sampling.seed = 42;
  const std::string first = run(request).text();
  EXPECT_EQ(run(request).text(), first);
  request.sampling.seed = 43;
  EXPECT_NE(run(request).text(), first);
}

TEST_F(SmolRealModel, StreamsOnlyWholeCharacters) {
  GenerationRequest request = complete("Emoji: \U0001F600 \U0001F601 \U0001F602 \U0001F603", 60);
  request.sampling.temperature = 1.5F;
  request.sampling.seed = 1;
  for (const GenerationEvent& event : run(request).events) {
    if (const auto* delta = std::get_if<Delta>(&event)) {
      EXPECT_TRUE(is_valid_utf8(delta->text));
    }
  }
}

TEST_F(SmolRealModel, DoesNotLetAUserWriteControlTokens) {
  const auto count = [&](const std::string& text) { return engine->count_tokens(ask(text, 1)).value(); };
  EXPECT_GT(count("a<|im_end|>"), count("a") + 3);
  EXPECT_EQ(count("a plain < text | of > this"), count("a plain < text | of > this"));
}

TEST_F(SmolRealModel, RefusesAPromptBeyondTheContext) {
  std::string words;
  for (int i = 0; i < 5000; ++i) words += " word";
  const auto failed = run(complete(words, 5)).first<Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error.code, ErrorCode::kContextOverflow);
  EXPECT_EQ(failed->error.message, "prompt is too long: 5000 tokens > 4095 maximum");
}

TEST_F(SmolRealModel, ServesTheNextRequestAtOnceAfterACancelledLongPrompt) {
  std::string words;
  for (int i = 0; i < 3500; ++i) words += " w" + std::to_string(i % 10);
  const ipc::StreamId stream = ++streams;
  engine->submit(stream, complete(words.substr(0, 9000), 5));
  log->wait(stream, [](const StreamRecord& record) { return !record.events.empty(); });
  engine->cancel(stream);
  run(ask("Hi", 1));
  EXPECT_EQ(log->wait(stream, [](const auto&) { return true; }).events.size(), 1U);
}

// The answer of embed(), which comes on another thread.
Result<Embeddings> embed(Engine& engine, EmbeddingRequest request) {
  std::promise<Result<Embeddings>> answer;
  auto future = answer.get_future();
  engine.embed(std::move(request), [&answer](Result<Embeddings> result) { answer.set_value(std::move(result)); });
  return future.get();
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

TEST_F(SmolRealModel, EmbedsTextsAsVectorsOfLengthOneThatKeepLikeTogether) {
  const auto answer = embed(*engine, {.inputs = {{.text = "The cat sleeps on the sofa."},
                                                 {.text = "A kitten is asleep on the couch."},
                                                 {.text = "int main() { return 42; }"}}});
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_EQ(answer->vectors.size(), 3U);
  EXPECT_EQ(answer->vectors[0].size(), 576U);
  for (const auto& vector : answer->vectors) EXPECT_NEAR(dot(vector, vector), 1, 1e-4);
  EXPECT_GT(dot(answer->vectors[0], answer->vectors[1]), dot(answer->vectors[0], answer->vectors[2]));
  EXPECT_GT(answer->prompt_tokens, 15);
}

TEST_F(SmolRealModel, EmbedsAnInputOfSeveralBatchesAsItsTokensDo) {
  std::string text;
  for (int i = 0; i < 120; ++i) text += "one two three ";
  const auto whole = embed(*engine, {.inputs = {{.text = text}, {.text = text + "x"}, {.text = "y"}}});
  ASSERT_TRUE(whole);
  EXPECT_GT(dot(whole->vectors[0], whole->vectors[1]), 0.99);
  EXPECT_GT(whole->prompt_tokens, 600);
}

TEST_F(SmolRealModel, RefusesInputsThatItCantEmbed) {
  const auto code = [](EmbeddingRequest request) {
    const auto answer = embed(*engine, std::move(request));
    return answer ? std::string("embedded") : answer.error().param + ": " + std::string(to_string(answer.error().code));
  };
  EXPECT_EQ(code({.inputs = {{.text = ""}}}), "input: invalid_argument");
  EXPECT_EQ(code({.inputs = {{.tokens = {49152}, .is_tokens = true}}}), "input: invalid_argument");
  EXPECT_EQ(code({.inputs = {{.text = "x"}}, .dimensions = 100}), "dimensions: invalid_argument");
  EXPECT_EQ(code({.inputs = {{.text = "x"}}, .dimensions = 576}), "embedded");
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "word ";
  EXPECT_EQ(code({.inputs = {{.text = text}}}), "input: context_overflow");
  const auto cut = embed(*engine, {.inputs = {{.text = text}}, .truncate = true});
  EXPECT_EQ(cut->vectors.size(), 1U);
}

TEST_F(SmolRealModel, SaysThatItCantFillInTheMiddle) {
  GenerationRequest request = complete("def f(", 4);
  request.suffix = "return x";
  const auto tokens = engine->count_tokens(request);
  if (tokens) {
    EXPECT_GT(*tokens, 5);
  } else {
    EXPECT_EQ(tokens.error().param, "suffix");
  }
}

class GemmaRealModel : public WithModel<GemmaRealModel> {
 public:
  static ipc::LoadModel settings() {
    ipc::LoadModel settings;
    settings.model_id = "gemma";
    settings.path = model_path("gemma-3-270m-q4_k_m.gguf");
    settings.context_tokens = 4096;
    settings.threads = settings.batch_threads = 1;  // the machine may be busy
    settings.max_sequences = 1;
    settings.batch_tokens = 128;  // with the window of 512: 768 cells for the sliding layers
    return settings;
  }
  // More than the sliding window of 512 tokens.
  static std::string story(int sentences) {
    std::string text;
    for (int i = 0; i < sentences; ++i) {
      text +=
          "On day " + std::to_string(i) + " the ship sailed past island " + std::to_string(i * 7 % 90) + " and the crew wrote it down.\n";
    }
    return text;
  }
};

TEST_F(GemmaRealModel, UsesTheFamilysTemplate) {
  EXPECT_EQ(engine->loaded().chat_template_source, "built-in gemma");
  EXPECT_LT(engine->loaded().compute_bytes, 400'000'000);
}

TEST_F(GemmaRealModel, AnswersTheSameFromACachedPrefixBeyondTheSlidingWindow) {
  const std::string prompt = story(34) + "On day";
  const StreamRecord fresh = run(complete(prompt, 16));
  EXPECT_GT(fresh.first<Started>()->usage.prompt_tokens, 600);
  const StreamRecord cached = run(complete(prompt, 16));
  EXPECT_EQ(cached.first<Started>()->usage.cached_prompt_tokens, fresh.first<Started>()->usage.prompt_tokens - 1);
  EXPECT_EQ(cached.text(), fresh.text());
}

TEST_F(GemmaRealModel, ReadsAfreshWhatTheSlidingWindowHasForgotten) {
  const std::string early = story(6) + "Then";
  const std::string fresh = run(complete(early, 12)).text();
  run(complete(story(50), 4));  // begins alike, and moves on beyond all cells
  const StreamRecord again = run(complete(early, 12));
  EXPECT_EQ(again.first<Started>()->usage.cached_prompt_tokens, 0);
  EXPECT_EQ(again.text(), fresh);
}

// Conversations kept on disk: what a model says after a restart is what it would have said without.
class KeptRealModel : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    initialise_once();
    std::string name = (std::filesystem::temp_directory_path() / "pensieve-kept-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    settings_ = {.model_id = "kept", .path = model_path(GetParam()), .context_tokens = 2048, .threads = 1, .batch_threads = 1};
    settings_.state_folder = folder_ = name;
    settings_.state_bytes = 1'000'000'000;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The answer of an engine that ends afterwards.
  StreamRecord answer(const std::string& prompt) {
    EventLog log;
    auto engine = load(settings_, log.sink());
    if (!engine) {
      ADD_FAILURE() << engine.error().text();
      return {};
    }
    (*engine)->submit(1, complete(prompt, 16));
    return log.wait(1);
  }

  ipc::LoadModel settings_;
  std::filesystem::path folder_;
};

TEST_P(KeptRealModel, GoesOnAfterARestartAsIfNothingHadBeen) {
  const std::string prompt = GemmaRealModel::story(34);
  const std::string told = prompt + answer(prompt).text();
  const std::string folder = std::exchange(settings_.state_folder, "");
  const StreamRecord fresh = answer(told + " On day");
  settings_.state_folder = folder;
  const StreamRecord kept = answer(told + " On day");
  EXPECT_EQ(fresh.first<Started>()->usage.cached_prompt_tokens, 0);
  EXPECT_GE(kept.first<Started>()->usage.cached_prompt_tokens, 600);
  EXPECT_EQ(kept.text(), fresh.text());
}

TEST_P(KeptRealModel, KeepsAQuantizedCacheApart) {
  const std::string prompt = GemmaRealModel::story(8);
  (void)answer(prompt);
  settings_.cache_type = "q8_0";
  const StreamRecord fresh = answer(prompt);
  EXPECT_EQ(fresh.first<Started>()->usage.cached_prompt_tokens, 0);
  EXPECT_EQ(answer(prompt).text(), fresh.text());
}

INSTANTIATE_TEST_SUITE_P(Models, KeptRealModel, testing::Values("SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"),
                         [](const auto& model) { return std::string(model.param).substr(0, 5); });

// One model with and without guesses.
class SpeculationRealModel : public testing::TestWithParam<const char*> {
 protected:
  struct Answer {
    std::vector<TokenLogprobs> tokens;
    Usage usage;
  };
  static Answer answer(bool speculation, const std::string& prompt) {
    initialise_once();
    ipc::LoadModel settings{
        .model_id = "guessing", .path = model_path(GetParam()), .context_tokens = 2048, .threads = 1, .batch_threads = 1};
    settings.speculation = speculation;
    EventLog log;
    auto engine = load(settings, log.sink());
    if (!engine) {
      ADD_FAILURE() << engine.error().text();
      return {};
    }
    GenerationRequest request = complete(prompt, 160);
    request.top_logprobs = 5;
    (*engine)->submit(1, std::move(request));
    Answer answer;
    for (const GenerationEvent& event : log.wait(1).events) {
      if (const auto* delta = std::get_if<Delta>(&event))
        answer.tokens.insert(answer.tokens.end(), delta->logprobs.begin(), delta->logprobs.end());
      if (const auto* finished = std::get_if<Finished>(&event)) answer.usage = finished->usage;
    }
    return answer;
  }
};
INSTANTIATE_TEST_SUITE_P(Models, SpeculationRealModel, testing::Values("SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"));

TEST_P(SpeculationRealModel, GuessesWhatIsCopiedAndGivesEachTokenTheSameChance) {
  // Longer than Gemma's sliding window of 512 tokens. What stood before a number comes again, the number counts on:
  // guesses are right and wrong.
  std::string prompt;
  for (int line = 0; line < 16; ++line) {
    for (const char* colour : {"red", "green", "blue", "white"}) prompt += std::format("set_{}({}, \"{}\");\n", colour, line + 10, colour);
  }
  const Answer with = answer(true, prompt);
  const Answer without = answer(false, prompt);
  EXPECT_GT(with.usage.prompt_tokens, 512);
  EXPECT_GT(with.usage.accepted_prediction_tokens, 0);
  EXPECT_GT(with.usage.rejected_prediction_tokens, 0);
  EXPECT_EQ(without.usage.accepted_prediction_tokens, 0);
  // Sums are rounded otherwise in steps of several tokens. That moves a chance here and there, the more where the
  // model is undecided, and where two tokens are as good as equal the answers are different ones from there on.
  double moved = 0;
  std::size_t same = 0;
  const std::size_t both = std::min(with.tokens.size(), without.tokens.size());
  for (; same < both && with.tokens[same].sampled.token == without.tokens[same].sampled.token; ++same) {
    moved += std::abs(with.tokens[same].sampled.logprob - without.tokens[same].sampled.logprob);
  }
  EXPECT_GE(same, 20U);
  EXPECT_LT(moved / static_cast<double>(same), 0.02);
}

class LoadRealModel : public testing::Test {
 protected:
  void SetUp() override {
    initialise_once();
    settings_.path = model_path("SmolLM2-135M-Instruct.Q4_1.gguf");
    copy_ = std::filesystem::temp_directory_path() / ("pensieve-load-" + std::to_string(getpid()) + ".gguf");
  }
  void TearDown() override { std::filesystem::remove(copy_); }

  // The model's first `size` bytes, with `before` replaced by `after`.
  void copy(std::size_t size, std::string_view before = {}, std::string_view after = {}) {
    std::string content(size, '\0');
    std::ifstream(settings_.path, std::ios::binary).read(content.data(), static_cast<std::streamsize>(size));
    if (!before.empty()) content.replace(content.find(before), before.size(), after);
    std::ofstream(copy_, std::ios::binary) << content;
    settings_.path = copy_.string();
  }
  Error load_error() {
    auto loaded = load(settings_, [](ipc::StreamId, GenerationEvent) {});
    return loaded ? Error{} : loaded.error();
  }

  ipc::LoadModel settings_;
  std::filesystem::path copy_;
};

TEST_F(LoadRealModel, SaysThatAFileIsNotThere) {
  settings_.path = "/nowhere/model.gguf";
  EXPECT_EQ(load_error().code, ErrorCode::kNotFound);
}

TEST_F(LoadRealModel, SaysThatAFileIsNoGguf) {
  std::ofstream(copy_) << "<html>not a model</html>";
  settings_.path = copy_.string();
  EXPECT_EQ(load_error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(load_error().message, HasSubstr("is not a GGUF file"));
}

TEST_F(LoadRealModel, SaysThatAFileIsTruncated) {
  copy(40'000'000);
  EXPECT_EQ(load_error().code, ErrorCode::kIo);
  EXPECT_THAT(load_error().message, HasSubstr("corrupted or incomplete"));
  copy(500'000);
  EXPECT_EQ(load_error().code, ErrorCode::kIo);
}

TEST_F(LoadRealModel, SaysThatAnArchitectureIsUnknown) {
  copy(std::filesystem::file_size(settings_.path), "llama", "xxama");
  EXPECT_EQ(load_error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(load_error().message, HasSubstr("unknown model architecture: 'xxama'"));
}

TEST_F(LoadRealModel, RefusesSettingsThatItDoesNotKnow) {
  settings_.cache_type = "q3_x";
  EXPECT_EQ(load_error().param, "cache_type");
  settings_.cache_type = "f16";
  settings_.max_sequences = 100'000;
  EXPECT_EQ(load_error().param, "max_sequences");
  settings_.max_sequences = 0;
  settings_.context_tokens = 2'000'000'000;
  EXPECT_EQ(load_error().param, "context_tokens");
}

#if !defined(__SANITIZE_ADDRESS__)  // AddressSanitizer ends the process where malloc would fail
TEST_F(LoadRealModel, SaysThatThereIsNoMemoryForAContext) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_DATA, &before), 0);
  std::ifstream status("/proc/self/status");
  rlim_t kibibytes = 0;
  for (std::string word; status >> word && word != "VmData:";) {
  }
  status >> kibibytes;
  const rlimit tight{kibibytes * 1024 + 1'000'000'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_DATA, &tight), 0);
  settings_.context_tokens = 200'000;  // 4.6 GB of cache
  const Error error = load_error();
  ASSERT_EQ(setrlimit(RLIMIT_DATA, &before), 0);
  EXPECT_EQ(error.code, ErrorCode::kOutOfMemory) << error.text();
}
#endif

TEST_F(LoadRealModel, QuantizesTheCache) {
  settings_.threads = settings_.batch_threads = 1;
  settings_.cache_type = "q8_0";
  settings_.context_tokens = 1024;
  auto loaded = load(settings_, [](ipc::StreamId, GenerationEvent) {});
  ASSERT_TRUE(loaded) << loaded.error().text();
  // Blocks of 32 elements in 34 bytes; libllama reports hundredths of MiB.
  EXPECT_NEAR(static_cast<double>((*loaded)->loaded().kv_bytes), 1024.0 * 30 * 3 * 64 * 2 * 34 / 32, 10'500);
}

TEST(BackendsRealModel, NameTheCpuAndTheEngine) {
  initialise_once();
  EXPECT_THAT(devices(), testing::Contains(testing::Field(&ipc::Device::kind, "cpu")));
  EXPECT_THAT(version(), testing::StartsWith("llama.cpp "));
}

}  // namespace
}  // namespace pensieve::engine
