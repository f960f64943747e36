#include "catalog/catalog.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <format>
#include <fstream>

#include "gguf/fake_file.h"

namespace pensieve {
namespace {

namespace fs = std::filesystem;

std::string model_bytes(std::uint64_t rows) {
  return gguf::FakeFile().text("general.architecture", "llama").number("llama.context_length", 4096)
      .text("tokenizer.chat_template", "x").tensor("w", 32, rows).bytes(rows * 128);
}

class Catalog : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / std::format("pensieve-catalog-{}-{}", getpid(),
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void put(const std::string& name, const std::string& bytes) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  ModelCatalog catalog() { return {folder_, config_, gigabytes(1)}; }
  std::string resolved(const std::string& name) {
    ModelCatalog c = catalog();
    const auto result = c.resolve(name);
    return result ? result->id : "error: " + result.error().message;
  }
  fs::path folder_;
  Config config_;
};

TEST_F(Catalog, GivesClearIds) {
  EXPECT_EQ(model_id("/m/SmolLM2-135M-Instruct.Q4_1.gguf"), "smollm2-135m-instruct-q4_1");
  EXPECT_EQ(model_id("Qwen3.5 9B-Q4_K_M-00001-of-00003.gguf"), "qwen3.5-9b-q4_k_m");
}

TEST_F(Catalog, ResolvesIdsFileNamesUnambiguousBeginningsRolesAndAliases) {
  put("Small.Q4_0.gguf", model_bytes(4));
  put("sub/Big-Q8_0.gguf", model_bytes(64));
  // "claude-h*" sorts behind the longer pattern that also fits: length decides, not order.
  config_.aliases = {{"claude-*", "auto"}, {"claude-*haiku*", "auto:fast"}, {"claude-h*", "auto"}, {"mine", "big"}};
  EXPECT_EQ(resolved("small-q4_0"), "small-q4_0");
  EXPECT_EQ(resolved("SMALL.Q4_0.gguf"), "small-q4_0");
  EXPECT_EQ(resolved("big"), "big-q8_0");
  EXPECT_EQ(resolved("mine"), "big-q8_0");
  EXPECT_EQ(resolved("auto"), "big-q8_0");
  EXPECT_EQ(resolved("fallback"), "small-q4_0");
  EXPECT_EQ(resolved("claude-sonnet-9"), "big-q8_0");
  EXPECT_EQ(resolved("claude-haiku-9"), "small-q4_0");
  EXPECT_EQ(resolved("bigg"), "error: model 'bigg' is not installed");
}

TEST_F(Catalog, AConfiguredRoleWinsAndAWrongOneSaysSo) {
  put("a.gguf", model_bytes(4));
  put("b.gguf", model_bytes(64));
  config_.roles.primary = "a";
  config_.roles.tertiary = "gone";
  EXPECT_EQ(resolved("auto"), "a");
  EXPECT_EQ(resolved("tertiary"), "error: the role 'tertiary' is set to 'gone', which is not installed");
}

TEST_F(Catalog, AnAliasThatLeadsToItselfIsAnErrorNotALoop) {
  put("a.gguf", model_bytes(4));
  config_.aliases = {{"x", "y"}, {"y", "x"}};
  EXPECT_TRUE(resolved("x").starts_with("error:"));
}

TEST_F(Catalog, SkipsForeignAndCutOffFilesWithTheReasonAndServesThemOnceWhole) {
  const std::string whole = model_bytes(8);
  put("half.gguf", whole.substr(0, whole.size() - 1));
  put("foreign.gguf", "hello");
  ModelCatalog c = catalog();
  ASSERT_EQ(c.skipped().size(), 2U);
  EXPECT_NE(c.skipped()[1].reason.find("cut off"), std::string::npos);
  EXPECT_TRUE(c.models().empty());
  put("half.gguf", whole);
  ASSERT_EQ(c.models().size(), 1U);
  EXPECT_EQ(c.models()[0].quantization, "F32");
  EXPECT_EQ(c.skipped().size(), 1U);
}

TEST_F(Catalog, SaysWhereToPutAModelWhenThereIsNone) {
  ModelCatalog c = catalog();
  const auto result = c.resolve("auto");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().advice.find(folder_.string()), std::string::npos);
}

}  // namespace
}  // namespace pensieve
