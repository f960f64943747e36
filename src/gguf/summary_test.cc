#include "gguf/summary.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <format>
#include <fstream>

#include "gguf/fake_file.h"

namespace pensieve::gguf {
namespace {

constexpr std::uint32_t kBool = 7;

class ModelSummary : public testing::Test {
 protected:
  ModelSummary() : folder_(std::filesystem::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(folder_);
  }
  ~ModelSummary() override { std::filesystem::remove_all(folder_); }

  static FakeFile bert() {
    FakeFile file;
    file.text("general.architecture", "bert").number("bert.context_length", 512).tensor("token_embd.weight", 4, 4);
    return file;
  }
  Result<Summary> summary_of(const FakeFile& file) {
    const std::filesystem::path path = folder_ / "model.gguf";
    std::ofstream(path, std::ios::binary) << file.bytes(64);
    return summarize(path);
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(ModelSummary, AModelThatSaysHowItPoolsMakesEmbeddings) {
  EXPECT_TRUE(summary_of(bert().number("bert.pooling_type", 1))->makes_embeddings);
  EXPECT_FALSE(summary_of(bert().number("bert.pooling_type", 0))->makes_embeddings);
  EXPECT_FALSE(summary_of(bert())->makes_embeddings);
}

TEST_F(ModelSummary, SoDoesOneWhoseTokensSeeTheWholeText) {
  const auto causal = [](bool is) {
    return FakeFile::raw_text("bert.attention.causal") + FakeFile::raw(kBool) + FakeFile::raw(static_cast<std::uint8_t>(is));
  };
  EXPECT_TRUE(summary_of(bert().entry(causal(false)))->makes_embeddings);
  EXPECT_FALSE(summary_of(bert().entry(causal(true)))->makes_embeddings);
}

TEST_F(ModelSummary, AModelThatRanksTextsIsNotServed) {
  const Result<Summary> ranks = summary_of(bert().number("bert.pooling_type", 4));
  ASSERT_FALSE(ranks);
  EXPECT_EQ(ranks.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(ranks.error().message.find("ranks texts"), std::string::npos);
}

}  // namespace
}  // namespace pensieve::gguf
