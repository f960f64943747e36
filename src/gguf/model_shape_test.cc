#include "gguf/model_shape.h"

#include <gtest/gtest.h>

#include "gguf/fake_file.h"

namespace pensieve::gguf {
namespace {

FakeFile small_model() {
  FakeFile file;
  file.text("general.architecture", "llama").number("llama.block_count", 1).number("llama.embedding_length", 64);
  file.number("llama.attention.head_count", 4).number("llama.attention.head_count_kv", 2);
  file.tensor("token_embd.weight", 64, 100).tensor("blk.0.attn_q.weight", 64, 64).tensor("blk.0.ffn_up.weight", 64, 128);
  return file;
}

Result<ModelShape> shape(const FakeFile& file) {
  const std::string bytes = file.bytes(0);
  const auto source = open_memory(bytes);
  const Header header = TRY(read_header(*source, true));
  return model_shape(header);
}

TEST(ModelShape, GivesLayersHeadsAndTiedEmbeddings) {
  const auto model = shape(small_model());
  ASSERT_TRUE(model) << model.error().text();
  ASSERT_EQ(model->layers.size(), 1U);
  EXPECT_TRUE(model->layers[0].attention);
  EXPECT_EQ(model->layers[0].kv_heads, 2U);
  EXPECT_EQ(model->layers[0].key_length, 16U);
  EXPECT_EQ(model->layers[0].feed_forward, 128U);
  EXPECT_EQ(model->vocabulary, 100U);
  EXPECT_TRUE(model->tied_embeddings);
  EXPECT_EQ(model->output_bytes, model->token_table_bytes);
}

TEST(ModelShape, OnlyMatricesOfWholeTilesFitThem) {
  FakeFile file = small_model();
  file.tensor("blk.0.ffn_down.weight", 128, 65).tensor("blk.0.attn_norm.weight", 64, 1).tensor("output.weight", 64, 100);
  const auto model = shape(file);
  ASSERT_TRUE(model) << model.error().text();
  const Bytes element = model->output_bytes * 1;
  ASSERT_EQ(model->tile_bytes_by_type.size(), 1U);
  EXPECT_EQ(model->tile_bytes_by_type.begin()->second.value, element.value / (64 * 100) * (64 * 64 + 64 * 128)) << "attn_q and ffn_up";
  EXPECT_FALSE(model->token_table_fits_tiles);
}

TEST(ModelShape, AHeadLengthOfItsOwnBeatsTheQuotient) {
  const auto model = shape(small_model().number("llama.attention.key_length", 32).number("llama.attention.value_length", 8));
  ASSERT_TRUE(model);
  EXPECT_EQ(model->layers[0].key_length, 32U);
  EXPECT_EQ(model->layers[0].value_length, 8U);
}

TEST(ModelShape, NamesTheFieldThatCannotBeRight) {
  const auto error = [](const FakeFile& file) {
    const auto model = shape(file);
    return model ? std::string() : model.error().message;
  };
  FakeFile none;
  EXPECT_NE(error(none.number("a", 1)).find("general.architecture"), std::string::npos);
  FakeFile zero;
  zero.text("general.architecture", "llama").number("llama.block_count", 0).number("llama.embedding_length", 64);
  EXPECT_NE(error(zero).find("llama.block_count is 0"), std::string::npos);
  FakeFile huge;
  huge.text("general.architecture", "llama").number("llama.block_count", 1).number("llama.embedding_length", 4'000'000'000U);
  EXPECT_NE(error(huge).find("llama.embedding_length"), std::string::npos);
  EXPECT_NE(error(small_model().number("llama.attention.key_length", 1U << 31U)).find("key_length"), std::string::npos);
}

TEST(ModelShape, ALayerCountAboveTheTensorsCostsNoMoreThanItsEntries) {
  FakeFile file;
  file.text("general.architecture", "llama").number("llama.block_count", 4096).number("llama.embedding_length", 64);
  file.tensor("token_embd.weight", 64, 100);
  EXPECT_TRUE(shape(file));
  FakeFile more;
  more.text("general.architecture", "llama").number("llama.block_count", 4097).number("llama.embedding_length", 64);
  more.tensor("token_embd.weight", 64, 100);
  EXPECT_FALSE(shape(more));
}

}  // namespace
}  // namespace pensieve::gguf
