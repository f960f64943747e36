#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "catalog/known_models.h"
#include "fit/fit_table.h"
#include "memory/speed.h"

namespace pensieve::fit {
namespace {

std::vector<Candidate> whole_catalog() {
  std::vector<Candidate> candidates;
  for (const KnownModel& model : known_models()) {
    const KnownFile& file = model.files.front();
    candidates.push_back({.name = model.name + ":" + file.quantization,
                          .shape = shape_of(model, file),
                          .exact = false,
                          .quality = model.quality,
                          .quality_source = model.quality_source,
                          .claimed_tps = model.claimed_tps});
  }
  return candidates;
}

std::vector<Row> on(const char* name, Options options = {}) {
  const MachineProfile machine = find_profile(name).value();
  return table(whole_catalog(), machine, memory::idle_state(machine), options);
}

const Row& row(const std::vector<Row>& rows, std::string_view name) {
  return *std::ranges::find_if(rows, [&](const Row& r) { return r.model.starts_with(name); });
}

TEST(Fit, OnAnM1With16GBTheLargeModelsOfTheDesignDocumentAreRefusedWithFigures) {
  const std::vector<Row> rows = on("m1-16gb");
  for (const char* name : {"mixtral-8x7b", "codellama-34b", "llama-2-70b"}) {
    const Row& refused = row(rows, name);
    EXPECT_EQ(refused.verdict, "does not fit") << name;
    EXPECT_EQ(refused.max_ctx, 0U) << name;
    EXPECT_NE(refused.reason.find("GB"), std::string::npos) << refused.reason;
    EXPECT_EQ(refused.band, "unusable") << name;
  }
  for (const char* name : {"deepseek-coder-6.7b", "mistral-7b", "phi-3-mini"}) EXPECT_EQ(row(rows, name).verdict, "fits") << name;
}

TEST(Fit, TheClaimAboveTheBandwidthIsSaidToBeImpossible) {
  const std::vector<Row> rows = on("m1-16gb");
  const Row& deepseek = row(rows, "deepseek-coder-6.7b");
  EXPECT_GE(deepseek.decode_tps, 11);
  EXPECT_LE(deepseek.decode_tps, 13);
  EXPECT_NEAR(deepseek.decode_limit_tps, 16.7, 0.1);
  EXPECT_NE(deepseek.claim_note.find("28-40"), std::string::npos);
  EXPECT_NE(deepseek.claim_note.find("above the memory bandwidth's limit"), std::string::npos);
  const Row& mistral = row(rows, "mistral-7b");
  EXPECT_GE(mistral.decode_tps, 9);
  EXPECT_LE(mistral.decode_tps, 10.6);
}

TEST(Fit, NoClaimOfTheDesignDocumentIsEverThePrediction) {
  for (const Row& one : on("m1-16gb")) {
    if (one.claimed_tps.empty() || one.verdict == "does not fit") continue;
    EXPECT_LT(one.decode_tps, std::stod(one.claimed_tps)) << one.model;
  }
}

TEST(Fit, MeasuredSpeedIsShownBesideThePredictionCorrectsItAndDecidesTheBand) {
  const auto measured = [](const Candidate& c, memory::CacheType, std::int64_t) {
    Measurement found;
    if (c.name.starts_with("phi-3-mini")) found.decode = {.tps = 3.0, .depth = 0};
    return found;
  };
  const double before = row(on("m1-16gb"), "phi-3-mini").decode_tps;
  const std::vector<Row> rows = on("m1-16gb", {.measured = measured});
  const Row& phi = row(rows, "phi-3-mini");
  EXPECT_EQ(phi.measured_decode_tps, 3.0);
  EXPECT_EQ(phi.measured_depth, 0);
  EXPECT_GT(before, 10);
  EXPECT_LT(phi.decode_tps, 3.0) << "1,024 tokens deep it is slower than where it was measured";
  EXPECT_GT(phi.decode_tps, 2.0);
  EXPECT_EQ(phi.band, "unusable");
  EXPECT_FALSE(row(rows, "mistral-7b").measured_decode_tps);
}

TEST(Fit, WorthComparesOnlyRatingsOfOneScale) {
  const std::vector<Row> rows = on("m1-max-64gb");
  const Row& mistral = row(rows, "mistral-7b");
  ASSERT_TRUE(mistral.roi);
  EXPECT_EQ(mistral.roi->against.substr(0, 8), "deepseek");
  EXPECT_FALSE(row(rows, "smollm2-135m").roi);
  const Row& llama70 = row(rows, "llama-2-70b");
  ASSERT_TRUE(llama70.roi);
  EXPECT_EQ(llama70.roi->verdict, "poor");
}

TEST(Fit, TheTermsOfTheExplanationAddUpToTheTotal) {
  const MachineProfile machine = find_profile("m1-16gb").value();
  for (const Candidate& candidate : whole_catalog()) {
    const memory::Plan plan = plan_of(candidate, memory::idle_state(machine), {});
    Bytes sum;
    for (const memory::Term& term : memory::explain(candidate.shape, plan.settings)) sum += term.bytes;
    EXPECT_EQ(sum, memory::model_memory(candidate.shape, plan.settings).total()) << candidate.name;
  }
}

TEST(Fit, TheWholeCatalogIsJudgedInFiftyMilliseconds) {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<Row> rows = on("m1-16gb");
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(rows.size(), 14U);
#ifdef NDEBUG
  EXPECT_LT(elapsed, std::chrono::milliseconds(50));
#endif
}

TEST(Fit, TheJsonHasTheFieldsThatProgramsReadAndNullsForWhatIsUnknown) {
  const MachineProfile machine = find_profile("m1-16gb").value();
  const std::string json = to_json(on("m1-16gb"), machine);
  for (const char* field :
       {"model", "file_bytes", "weights_bytes", "kv_bytes", "compute_bytes", "overhead_bytes", "total_bytes", "ctx", "kv_type", "parallel",
        "verdict", "max_ctx", "decode_tps", "prefill_tps", "measured_decode_tps", "band", "quality", "quality_source", "roi"}) {
    EXPECT_NE(json.find(std::string("\"") + field + "\""), std::string::npos) << field;
  }
}

}  // namespace
}  // namespace pensieve::fit
