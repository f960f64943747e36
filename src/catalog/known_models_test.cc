#include "catalog/known_models.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "catalog/catalog_data.h"
#include "catalog/pull_plan.h"

namespace pensieve {
namespace {

TEST(KnownModels, TheShippedCatalogIsWholeAndSaysWhereItsRatingsComeFrom) {
  const auto parsed = parse_known_models(kCatalogData);
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_GE(parsed->size(), 14U);
  for (const KnownModel& model : *parsed) {
    EXPECT_FALSE(model.repository.empty()) << model.name;
    EXPECT_FALSE(model.licence.empty()) << model.name;
    EXPECT_FALSE(model.capabilities.empty()) << model.name;
    EXPECT_GT(model.context, 0) << model.name;
    EXPECT_EQ(model.quality.has_value(), !model.quality_source.empty()) << model.name;
    for (const KnownFile& file : model.files) EXPECT_GT(file.bytes, Bytes{0}) << model.name;
  }
  for (const char* role : {"primary", "secondary", "tertiary", "fallback"}) {
    EXPECT_EQ(std::ranges::count(*parsed, role, &KnownModel::role), 1) << role;
  }
}

TEST(KnownModels, ShapesCarryTheParametersOfTheirModels) {
  const auto billions = [](const char* name) {
    const KnownChoice choice = find_known(name).value();
    return static_cast<double>(shape_of(*choice.model, *choice.file).parameters) / 1e9;
  };
  EXPECT_NEAR(billions("deepseek-coder-6.7b"), 6.74, 0.05);
  EXPECT_NEAR(billions("mistral-7b"), 7.24, 0.05);
  EXPECT_NEAR(billions("mixtral-8x7b"), 46.7, 0.3);
  EXPECT_NEAR(billions("phi-3-mini"), 3.82, 0.05);
  EXPECT_NEAR(billions("llama-2-13b"), 13.0, 0.1);
  EXPECT_NEAR(billions("codellama-34b"), 33.7, 0.3);
  EXPECT_NEAR(billions("llama-2-70b"), 69.0, 0.5);
  EXPECT_NEAR(billions("qwen3-4b"), 4.02, 0.1);
  EXPECT_NEAR(billions("gpt-oss-20b"), 20.9, 0.6);
}

TEST(KnownModels, NamesAndQuantizationsAreFoundOrListed) {
  EXPECT_EQ(find_known("Mistral-7B:q4_k_m")->file->quantization, "Q4_K_M");
  EXPECT_NE(find_known("nosuch").error().advice.find("mistral-7b"), std::string::npos);
  EXPECT_NE(find_known("mistral-7b:Q9").error().advice.find("Q5_K_M"), std::string::npos);
  EXPECT_NE(parse_known_models("[x]\ntitle = 'y'").error().message.find("x has no shape"), std::string::npos);
}

TEST(PullPlan, AMirrorAndATokenComeFromTheEnvironment) {
  const std::map<std::string, std::string> environment = {{"HF_ENDPOINT", "http://mirror.example/"}, {"HF_TOKEN", "secret"}};
  const auto plan = plan_pull("owner/repository/a-00001-of-00003.gguf", "/models", environment, "");
  ASSERT_TRUE(plan) << plan.error().text();
  ASSERT_EQ(plan->files.size(), 3U);
  EXPECT_EQ(plan->files[1].url, "http://mirror.example/owner/repository/resolve/main/a-00002-of-00003.gguf");
  EXPECT_EQ(plan->files[2].destination, "/models/a-00003-of-00003.gguf");
  EXPECT_EQ(plan->files[0].bearer, "secret");
  EXPECT_EQ(plan_pull("https://elsewhere.example/a.gguf", "/models", environment, "")->files[0].bearer, "") << "a token for the hub only";
}

TEST(PullPlan, ANameThatLeavesTheFolderIsRefused) {
  EXPECT_FALSE(plan_pull("https://x.example/..%2f..%2fevil.gguf", "/models", {}, ""));
  EXPECT_FALSE(plan_pull("https://x.example/.hidden.gguf", "/models", {}, ""));
  EXPECT_FALSE(plan_pull("https://x.example/file.zip", "/models", {}, ""));
}

}  // namespace
}  // namespace pensieve
