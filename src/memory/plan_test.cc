#include "memory/plan.h"

#include <gtest/gtest.h>

#include "memory/cache_memory.h"
#include "memory/lifetimes.h"
#include "memory/speed.h"

namespace pensieve::memory {
namespace {

gguf::ModelShape seven_billion() {
  gguf::ModelShape model{.architecture = "llama", .embedding = 4096, .vocabulary = 32000, .context_length = 32768};
  gguf::LayerShape layer{
      .attention = true, .heads = 32, .kv_heads = 32, .key_length = 128, .value_length = 128, .feed_forward = 11008, .gated = true};
  layer.dense_bytes = mebibytes(118);
  model.layers.assign(32, layer);
  model.token_table_bytes = model.output_bytes = mebibytes(75);
  model.tensor_bytes = model.file_bytes = mebibytes(118 * 32 + 150);
  return model;
}

MachineState machine_of(std::int64_t gibibytes) {
  const Bytes total = mebibytes(gibibytes * 1024);
  return {.total = total, .available = total - gigabytes(3), .limit = default_limit(total), .margin = kDefaultMargin};
}

TEST(Plan, TheWishedContextIsPlannedWhereItFits) {
  const Plan made = plan(seven_billion(), {.context_tokens = 4096}, machine_of(16));
  EXPECT_EQ(made.verdict, Verdict::kFits);
  EXPECT_EQ(made.settings.context_tokens, 4096U);
  EXPECT_EQ(made.settings.cache, CacheType::kF16);
  EXPECT_GE(made.largest_context, 4096U);
}

TEST(Plan, AContextTooLongShrinksToSeventyPercentOfWhatMemoryAllows) {
  const gguf::ModelShape model = seven_billion();
  const MachineState machine = machine_of(16);
  const Plan made = plan(model, {.context_tokens = 32768}, machine);
  ASSERT_EQ(made.verdict, Verdict::kFitsWithLessContext);
  ContextSettings settings = made.settings;
  settings.context_tokens = made.largest_context;
  EXPECT_TRUE(can_load(model_memory(model, settings), machine).fits);
  settings.context_tokens = static_cast<std::uint32_t>(made.largest_context / kContextShare) + 1024;
  EXPECT_FALSE(can_load(model_memory(model, settings), machine).fits);
}

TEST(Plan, WhatIsTooLargeForF16IsPlannedWithAQuantizedCache) {
  MachineState machine = machine_of(16);
  machine.limit = seven_billion().tensor_bytes + mebibytes(1000);
  const Plan made = plan(seven_billion(), {.context_tokens = 2048, .least_context = 2048}, machine);
  EXPECT_NE(made.verdict, Verdict::kDoesNotFit);
  EXPECT_NE(made.settings.cache, CacheType::kF16);
}

TEST(Plan, OverBudgetIsARefusalWithFiguresAndNeverWrapsAround) {
  MachineState machine = machine_of(16);
  machine.available = gigabytes(1);  // below the margin
  const Plan made = plan(seven_billion(), {}, machine);
  EXPECT_EQ(made.verdict, Verdict::kDoesNotFit);
  EXPECT_LT(made.check.budget, Bytes{0});
  EXPECT_NE(made.check.reason.find("0 B are free beyond the margin"), std::string::npos) << made.check.reason;
}

TEST(Plan, OtherProgramsAndOurOwnModelsCountAgainstTheRoom) {
  const gguf::ModelShape model = seven_billion();
  MachineState machine = machine_of(16);
  machine.ours = gigabytes(8);
  EXPECT_EQ(plan(model, {.context_tokens = 4096}, machine).verdict, Verdict::kDoesNotFit);
  machine = machine_of(16);
  machine.gpu_working_set = gigabytes(4);
  EXPECT_EQ(plan(model, {.context_tokens = 4096}, machine).verdict, Verdict::kFits) << "a limit of shared memory only";
  machine.unified = true;
  EXPECT_EQ(plan(model, {.context_tokens = 4096}, machine).verdict, Verdict::kDoesNotFit);
}

TEST(Plan, ACardOfItsOwnTakesTheLayersThatFit) {
  MachineState machine = machine_of(32);
  machine.gpu_memory = gigabytes(3);
  const Plan made = plan(seven_billion(), {.context_tokens = 2048, .placement = {.separate_gpu = true}}, machine);
  EXPECT_GT(made.gpu_layers, 4U);
  EXPECT_LT(made.gpu_layers, 32U);
  EXPECT_LE(made.memory.gpu, machine.gpu_memory);
  EXPECT_LT(made.check.needed, made.memory.total());
}

TEST(ModelMemory, TilesTakeWhatIsKeptBesideTheBlocks) {
  EXPECT_EQ(growth_in_tiles("Q8_0", Bytes{34 * 1000}), Bytes{4 * 1000});
  EXPECT_EQ(growth_in_tiles("Q4_K", Bytes{144 * 1000}), Bytes{4 * 1000});
  EXPECT_EQ(growth_in_tiles("Q6_K", Bytes{210 * 1000}), Bytes{0});
  EXPECT_EQ(growth_in_tiles("Q2_K", Bytes{84 * 1000}), std::nullopt);
  gguf::ModelShape model = seven_billion();
  model.tied_embeddings = true;
  model.token_table_type = "Q8_0";
  model.token_table_bytes = Bytes{34 * 32 * 100};
  model.token_table_fits_tiles = true;
  model.tile_bytes_by_type = {{"Q8_0", Bytes{34 * 1000}}, {"Q2_K", Bytes{84 * 1000}}};
  const Bytes plain = model_memory(model, {}, {.repacks = true}).weights;
  EXPECT_EQ(plain, model.tensor_bytes) << "a table that is not repacked is the output matrix too";
  EXPECT_EQ(model_memory(model, {}, {.repacks = true, .tiles = true}).weights - plain, Bytes{38 * 32 * 100 + 4 * 1000});
}

TEST(ModelMemory, TermsAddUpInEveryPlacement) {
  gguf::ModelShape model = seven_billion();
  model.tied_embeddings = true;
  model.token_table_type = "Q4_K";
  model.token_table_fits_tiles = true;
  model.tile_bytes_by_type = {{"Q4_K", mebibytes(100)}};
  for (const bool tiles : {false, true}) {
    const Placement placement{.repacks = true, .tiles = tiles};
    Bytes sum;
    for (const Term& term : explain(model, {}, placement)) sum += term.bytes;
    EXPECT_EQ(sum, model_memory(model, {}, placement).total());
  }
}

TEST(CacheMemory, SlidingLayersKeepOnlyTheirWindow) {
  gguf::ModelShape model = seven_billion();
  model.sliding_window = 512;
  for (std::size_t i = 0; i < 16; ++i) model.layers[i].sliding = true;
  const CacheMemory memory = cache_memory(model, {.context_tokens = 8192});
  EXPECT_EQ(memory.full.value, 16LL * 8192 * 2 * 4096 * 2);
  EXPECT_EQ(memory.sliding.value, 16LL * 1024 * 2 * 4096 * 2);
}

TEST(CacheMemory, SharedAndLatentLayersTakeLess) {
  gguf::ModelShape model = seven_billion();
  model.layers[1].shares_kv = true;
  EXPECT_EQ(cell_bytes(model.layers[1], CacheType::kF16), Bytes{0});
  model.layers[0].latent_rank = 512;
  model.layers[0].kv_heads = 1;
  model.layers[0].key_length = 576;
  EXPECT_EQ(cell_bytes(model.layers[0], CacheType::kF16).value, 576 * 2);
  EXPECT_EQ(cell_bytes(model.layers[0], CacheType::kQ8_0).value, 576 / 32 * 34);
}

TEST(Lifetimes, RoomIsReusedAfterTheLastUseAndInPlaceWhereAllowed) {
  Lifetimes graph;
  const auto a = graph.operation(1024, {});
  const auto b = graph.operation(1024, {a});
  const auto c = graph.operation(1024, {b}, true);  // takes over b's room
  const auto d = graph.operation(1024, {c});        // fits where a was
  graph.keep(d);
  EXPECT_EQ(graph.peak_bytes(), 2048U);
  Lifetimes viewed;
  const auto x = viewed.operation(1024, {});
  const auto y = viewed.operation(1024, {Lifetimes::view(x)}, true);  // through a view: never in place
  viewed.keep(y);
  EXPECT_EQ(viewed.peak_bytes(), 2048U);
}

TEST(Speed, ExpertsCountByTheShareThatATokenUses) {
  gguf::ModelShape model = seven_billion();
  model.experts = 8;
  model.experts_used = 2;
  for (gguf::LayerShape& layer : model.layers) layer.expert_bytes = mebibytes(800);
  const Bytes with = bytes_per_token(model, CacheType::kF16, 0);
  EXPECT_EQ((with - bytes_per_token(seven_billion(), CacheType::kF16, 0)).value, 32LL * 200 * 1024 * 1024);
}

TEST(Speed, AMeasuredKernelDecidesForItsFormat) {
  gguf::ModelShape model = seven_billion();
  model.bytes_by_type["Q4_0"] = model.tensor_bytes;
  model.token_table_type = model.output_type = "Q4_0";
  MachineProfile machine{.memory = gigabytes(16), .bandwidth = 50e9, .efficiency = 0.6, .prefill_flops = 1e11};
  const double by_bandwidth = predict_speed(model, CacheType::kF16, machine, 0).decode.value;
  machine.decode_bytes["Q4_0"] = 3e9;
  const double by_kernel = predict_speed(model, CacheType::kF16, machine, 0).decode.value;
  EXPECT_NEAR(by_kernel / by_bandwidth, 3.0 / 30.0, 0.005);
}

TEST(Speed, BandsAreThoseOfTheDesignDocument) {
  EXPECT_EQ(experience_band({4.9}), "unusable");
  EXPECT_EQ(experience_band({5}), "frustrating");
  EXPECT_EQ(experience_band({10}), "acceptable");
  EXPECT_EQ(experience_band({15}), "good");
  EXPECT_EQ(experience_band({20}), "seamless");
}

}  // namespace
}  // namespace pensieve::memory
