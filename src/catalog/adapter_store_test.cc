#include "catalog/adapter_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catalog/catalog.h"
#include "gguf/fake_file.h"

namespace pensieve {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Adapters : public testing::Test {
 protected:
  Adapters() : folder_(fs::temp_directory_path() / ("adapters-" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "models");
    put("models/base.gguf",
        gguf::FakeFile().text("general.architecture", "llama").tensor("blk.0.attn_q.weight", 64, 32).bytes(64 * 32 * 4));
  }
  ~Adapters() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& bytes) { std::ofstream(folder_ / name, std::ios::binary) << bytes; }
  static gguf::FakeFile adapter(std::uint64_t inputs = 64, std::uint64_t outputs = 32, const char* architecture = "llama") {
    gguf::FakeFile file;
    file.text("general.architecture", architecture).text("general.type", "adapter").text("adapter.type", "lora");
    file.number("adapter.lora.alpha", 16);
    file.tensor("blk.0.attn_q.weight.lora_a", inputs, 4).tensor("blk.0.attn_q.weight.lora_b", 4, outputs);
    return file;
  }
  Result<AddedAdapter> add(const gguf::FakeFile& file, const std::string& name = "sql") {
    put("file.gguf", file.bytes(4096));
    ModelCatalog models = catalog();
    return AdapterStore(folder_ / "adapters").add({folder_ / "file.gguf", name, 0.8, {"code", "math"}}, models.models().at(0));
  }
  ModelCatalog catalog() { return {folder_ / "models", Config{}, Bytes{}, folder_ / "adapters"}; }

  fs::path folder_;
};

TEST_F(Adapters, WhatWasAddedIsListedAndNamedUntilItIsRemoved) {
  const Result<AddedAdapter> added = add(adapter());
  ASSERT_TRUE(added) << added.error().text();
  ModelCatalog models = catalog();
  ASSERT_EQ(models.adapters().size(), 1U);
  const InstalledAdapter one = models.adapters().front();
  EXPECT_EQ(one.name, "sql");
  EXPECT_EQ(one.model, "base");
  EXPECT_EQ(one.scale, 0.8);
  EXPECT_EQ(one.rank, 4);
  EXPECT_THAT(one.domains, testing::ElementsAre("code", "math"));
  EXPECT_TRUE(fs::exists(one.path));
  EXPECT_EQ(models.resolve("base+sql")->id, "base");
  EXPECT_THAT(models.resolve("BASE+sql")->adapters, testing::ElementsAre("sql"));
  EXPECT_TRUE(models.resolve("auto+sql")->fixed);
  EXPECT_EQ(models.resolve("base+sq").error().message, "adapter 'sq' is not installed");
  EXPECT_THAT(models.resolve("bass+sql").error().message, HasSubstr("model 'bass' is not installed"));
  EXPECT_FALSE(models.resolve("base+"));
  const AdapterStore store(folder_ / "adapters");
  ASSERT_TRUE(store.remove("sql"));
  EXPECT_FALSE(store.remove("sql"));
  EXPECT_TRUE(fs::is_empty(folder_ / "adapters"));
}

TEST_F(Adapters, WhatDoesNotFitIsRefusedByTheFirstDifference) {
  EXPECT_THAT(add(adapter(128)).error().message, HasSubstr("blk.0.attn_q.weight (128 x 4 and 4 x 32) does not fit the model's (64 x 32)"));
  EXPECT_THAT(add(adapter(64, 32, "gemma3")).error().message, HasSubstr("'gemma3', the model is 'llama'"));
  EXPECT_THAT(add(gguf::FakeFile().text("general.architecture", "llama").tensor("w", 4, 4)).error().message, HasSubstr("not an adapter"));
  EXPECT_THAT(add(adapter().tensor("blk.0.attn_k.weight.lora_a", 64, 4)).error().message, HasSubstr("attn_k.weight has no lora_b"));
  EXPECT_THAT(add(adapter(), "../up").error().message, HasSubstr("is no name for an adapter"));
  EXPECT_TRUE(catalog().adapters().empty());
  ASSERT_TRUE(add(adapter()));
  EXPECT_THAT(add(adapter()).error().message, HasSubstr("is installed"));
}

TEST_F(Adapters, TensorsThatAreNoFactorsAreTold) {
  const Result<AddedAdapter> added = add(adapter().tensor("output_norm.weight", 64, 1));
  ASSERT_TRUE(added);
  EXPECT_THAT(added->skipped_tensors, testing::ElementsAre("output_norm.weight"));
}

TEST_F(Adapters, DamagedDescriptionsAreLeftOut) {
  ASSERT_TRUE(add(adapter()));
  put("adapters/broken.toml", "model = [");
  put("adapters/without-data.toml", "model = 'base'");
  EXPECT_EQ(catalog().adapters().size(), 1U);
}

}  // namespace
}  // namespace pensieve
