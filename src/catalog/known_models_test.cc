#include "catalog/known_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

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

// Bytes of a dense model's file in one of the usual mixtures: K-quants give V and the second feed-forward
// matrix of half of the layers six bits, and the output matrix too.
double bytes_by_shape(const gguf::ModelShape& model, const std::string& quantization) {
  const std::map<std::string, double> formats = {{"Q4_K_M", 4.5}, {"Q5_K_M", 5.5}, {"Q8_0", 8.5}, {"F16", 16}};
  const double plain = formats.at(quantization);
  const double high = quantization.ends_with("_M") ? 6.5625 : plain;
  double bits = static_cast<double>(model.vocabulary) * model.embedding * (model.tied_embeddings ? high : plain + high);
  const auto layers = model.layers.size();
  for (std::size_t i = 0; i < layers; ++i) {
    const gguf::LayerShape& layer = model.layers[i];
    const bool more = i < layers / 8 || i >= 7 * layers / 8 || (i - layers / 8) % 3 == 2;
    const double width = model.embedding;
    const double value = width * layer.kv_heads * layer.value_length;
    const double down = width * layer.feed_forward;
    bits += (2 * width * layer.heads * layer.key_length + width * layer.kv_heads * layer.key_length + 2 * down) * plain;
    bits += (value + down) * (more ? high : plain) + 2 * width * 32;
  }
  return bits / 8;
}

TEST(KnownModels, TheListedSizesAreThoseOfTheShapes) {
  constexpr double kTokenizer = 6e6;  // beside the tensors
  int compared = 0;
  for (const KnownModel& model : known_models()) {
    // Other architectures mix their formats differently.
    if ((model.shape.architecture != "llama" && model.shape.architecture != "qwen3") || model.shape.experts > 0) continue;
    for (const KnownFile& file : model.files) {
      const double planned = bytes_by_shape(model.shape, file.quantization);
      EXPECT_NEAR(static_cast<double>(file.bytes.value), planned + kTokenizer / 2, 0.005 * planned + kTokenizer / 2)
          << model.name << " " << file.quantization;
      ++compared;
    }
  }
  EXPECT_GE(compared, 11);
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
