#include "memory/embedding_memory.h"

#include <gtest/gtest.h>

namespace pensieve::memory {
namespace {

gguf::ModelShape encoder(const char* architecture, bool gated) {
  gguf::ModelShape model{
      .architecture = architecture, .embedding = 768, .vocabulary = 30522, .context_length = 2048, .tied_embeddings = true};
  gguf::LayerShape layer{
      .attention = true, .heads = 12, .kv_heads = 12, .key_length = 64, .value_length = 64, .feed_forward = 3072, .gated = gated};
  layer.dense_bytes = mebibytes(7);
  model.layers.assign(12, layer);
  model.token_table_type = "Q4_0";
  model.token_table_bytes = model.output_bytes = mebibytes(13);
  model.tensor_bytes = model.file_bytes = mebibytes(97);
  return model;
}

double mebibytes_of(Bytes bytes) { return static_cast<double>(bytes.value) / (1 << 20); }

MachineState machine_of(Bytes available) {
  const Bytes total = gigabytes(16);
  return {.total = total, .available = available, .limit = total, .margin = Bytes{0}};
}

// Compute buffers that libllama reported for models of this width.
TEST(EmbeddingMemory, ComputeBuffersAreThoseThatWereMeasured) {
  struct Measured {
    gguf::ModelShape model;
    std::uint32_t tokens;
    double mebibytes;
  };
  const Measured all[] = {{encoder("bert", false), 512, 15.51},        {encoder("bert", false), 2048, 68.05},
                          {encoder("bert", false), 8192, 368.22},      {encoder("nomic-bert", true), 512, 26.01},
                          {encoder("nomic-bert", true), 2048, 110.05}, {encoder("nomic-bert", true), 8192, 536.22}};
  for (const Measured& one : all) {
    const double predicted = mebibytes_of(embedding_memory(one.model, one.tokens).compute);
    EXPECT_NEAR(predicted, one.mebibytes, one.mebibytes * 0.02) << one.model.architecture << " " << one.tokens;
  }
}

TEST(EmbeddingMemory, ModelsThatReadATextAtOnceKeepNoCacheAndNoOutputMatrix) {
  const ModelMemory memory = embedding_memory(encoder("bert", false), 512, {.repacks = true});
  EXPECT_EQ(memory.cache, Bytes{0});
  EXPECT_EQ(memory.weights, mebibytes(97));
  EXPECT_GT(embedding_memory(encoder("qwen3", true), 512).cache, Bytes{0});
}

TEST(EmbeddingMemory, TextsAsLongAsTheModelWasTrainedForArePlanned) {
  const Plan made = plan_embeddings(encoder("nomic-bert", true), machine_of(gigabytes(4)));
  EXPECT_EQ(made.verdict, Verdict::kFits);
  EXPECT_EQ(made.settings.context_tokens, 2048U);
  gguf::ModelShape unsaid = encoder("nomic-bert", true);
  unsaid.context_length = 0;
  EXPECT_EQ(plan_embeddings(unsaid, machine_of(gigabytes(4))).settings.context_tokens, kMostEmbeddingTokens);
}

TEST(EmbeddingMemory, WhereMemoryIsShortTextsAreShorterAndThenTheModelIsRefused) {
  const gguf::ModelShape model = encoder("nomic-bert", true);
  const Plan shorter = plan_embeddings(model, machine_of(embedding_memory(model, 512).total()));
  EXPECT_EQ(shorter.verdict, Verdict::kFitsWithLessContext);
  EXPECT_EQ(shorter.settings.context_tokens, 512U);
  EXPECT_EQ(plan_embeddings(model, machine_of(mebibytes(90))).verdict, Verdict::kDoesNotFit);
}

TEST(EmbeddingMemory, ACardOfItsOwnMustHoldAllOfIt) {
  MachineState machine = machine_of(gigabytes(4));
  machine.gpu_memory = gigabytes(8);
  const Plan made = plan_embeddings(encoder("nomic-bert", true), machine);
  EXPECT_EQ(made.gpu_layers, 13U);
  EXPECT_GT(made.memory.gpu, Bytes{0});
}

}  // namespace
}  // namespace pensieve::memory
