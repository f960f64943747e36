#include "catalog/catalog.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>
#include <fstream>
#include <map>
#include <set>

#include "base/build_features.h"
#include "gguf/fake_file.h"

namespace pensieve {
namespace {

namespace fs = std::filesystem;

std::string model_bytes(std::uint64_t rows) {
  return gguf::FakeFile()
      .text("general.architecture", "llama")
      .number("llama.context_length", 4096)
      .text("tokenizer.chat_template", "x")
      .tensor("w", 32, rows)
      .bytes(rows * 128);
}

std::string projector_bytes(std::uint64_t rows = 2) {
  const std::string vision = gguf::FakeFile::raw_text("clip.has_vision_encoder") + gguf::FakeFile::raw<std::uint32_t>(7) + "\1";
  return gguf::FakeFile()
      .text("general.architecture", "clip")
      .text("general.type", "mmproj")
      .text("clip.projector_type", "mlp")
      .entry(vision)
      .tensor("v", 32, rows)
      .bytes(rows * 128);
}

class Catalog : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              std::format("pensieve-catalog-{}-{}", getpid(), testing::UnitTest::GetInstance()->current_test_info()->name());
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

TEST_F(Catalog, SameNamesInTwoFoldersGetDifferentIds) {
  put("one/m.gguf", model_bytes(4));
  put("two/m.gguf", model_bytes(8));
  put("two/M.gguf", model_bytes(16));
  ModelCatalog c = catalog();
  std::set<std::string> ids;
  for (const InstalledModel& model : c.models()) ids.insert(model.id);
  EXPECT_EQ(ids, (std::set<std::string>{"m", "m-2", "m-3"}));
  EXPECT_EQ(c.resolve("m-2")->id, "m-2");
}

TEST_F(Catalog, ASplitFileIsOneModelOnceAllItsPartsAreThere) {
  const auto part = [](std::uint32_t number) {
    return gguf::FakeFile()
        .text("general.architecture", "llama")
        .number("split.count", 2)
        .number("split.no", number)
        .tensor("w" + std::to_string(number), 32, 8)
        .bytes(8 * 128);
  };
  put("big-00001-of-00002.gguf", part(0));
  ModelCatalog c = catalog();
  EXPECT_TRUE(c.models().empty());
  EXPECT_NE(c.skipped().at(0).reason.find("part 2 of 2"), std::string::npos);
  put("big-00002-of-00002.gguf", part(1));
  ASSERT_EQ(c.models().size(), 1U);
  EXPECT_EQ(c.models()[0].id, "big");
  EXPECT_EQ(c.models()[0].parameters, 2 * 32 * 8);
  EXPECT_GT(c.models()[0].file_bytes, 2 * 8 * 128);
  fs::remove(folder_ / "big-00002-of-00002.gguf");
  EXPECT_TRUE(c.models().empty());
}

TEST_F(Catalog, SymlinkLoopsDanglingLinksPipesAndFoldersAreNoModelsAndNoTrap) {
  put("good.gguf", model_bytes(4));
  fs::create_directory_symlink(folder_, folder_ / "loop");
  fs::create_symlink(folder_ / "self.gguf", folder_ / "self.gguf");
  fs::create_symlink("/nonexistent.gguf", folder_ / "dangling.gguf");
  fs::create_directory(folder_ / "folder.gguf");
  ASSERT_EQ(mkfifo((folder_ / "pipe.gguf").c_str(), 0600), 0);
  ModelCatalog c = catalog();
  ASSERT_EQ(c.models().size(), 1U);
  EXPECT_EQ(c.models()[0].id, "good");
  std::map<std::string, std::string> reasons;
  for (const SkippedFile& file : c.skipped()) reasons[fs::path(file.path).filename()] = file.reason;
  EXPECT_EQ(reasons.size(), 3U);
  EXPECT_NE(reasons["pipe.gguf"].find("not a regular file"), std::string::npos);
  EXPECT_NE(reasons["dangling.gguf"].find("can't be read"), std::string::npos);
  EXPECT_NE(reasons["self.gguf"].find("can't be read"), std::string::npos);
}

TEST_F(Catalog, ALinkToAModelOutsideTheFolderIsServed) {
  put("elsewhere/real.bin", model_bytes(4));
  fs::create_symlink(folder_ / "elsewhere/real.bin", folder_ / "linked.gguf");
  EXPECT_EQ(resolved("linked"), "linked");
}

TEST_F(Catalog, AnUnreadableFileIsSkippedWithTheReason) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  put("secret.gguf", model_bytes(4));
  fs::permissions(folder_ / "secret.gguf", fs::perms::none);
  ModelCatalog c = catalog();
  ASSERT_EQ(c.skipped().size(), 1U);
  EXPECT_NE(c.skipped()[0].reason.find("Permission denied"), std::string::npos);
}

TEST_F(Catalog, SeesAModelThatIsReplacedOrRemovedWhileServing) {
  put("m.gguf", model_bytes(4));
  ModelCatalog c = catalog();
  const std::int64_t before = c.models().at(0).file_bytes;
  put("m.gguf", model_bytes(64));
  EXPECT_GT(c.models().at(0).file_bytes, before);
  fs::remove(folder_ / "m.gguf");
  EXPECT_FALSE(c.resolve("m"));
  EXPECT_TRUE(c.models().empty());
}

TEST_F(Catalog, AFolderThatIsMissingOrAFileIsEmptyNotAnError) {
  ModelCatalog missing(folder_ / "nothing", config_, gigabytes(1));
  EXPECT_TRUE(missing.models().empty());
  put("file", "x");
  ModelCatalog file(folder_ / "file", config_, gigabytes(1));
  EXPECT_TRUE(file.models().empty());
}

TEST_F(Catalog, APathOfTheConfigurationIsServedAndSaidWhenItIsGone) {
  put("a.gguf", model_bytes(4));
  config_.models.paths = {(folder_ / "a.gguf").string(), "/nonexistent/b.gguf"};
  ModelCatalog c(folder_ / "nothing", config_, gigabytes(1));
  EXPECT_EQ(c.models().size(), 1U);
  ASSERT_EQ(c.skipped().size(), 1U);
  EXPECT_EQ(c.skipped()[0].path, "/nonexistent/b.gguf");
}

TEST_F(Catalog, SaysWhereToPutAModelWhenThereIsNone) {
  ModelCatalog c = catalog();
  const auto result = c.resolve("auto");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().advice.find(folder_.string()), std::string::npos);
}

class Projectors : public Catalog {
 protected:
  // Names of the projectors that models see images with, by the models' ids.
  std::map<std::string, std::string> used() {
    std::map<std::string, std::string> used;
    for (const InstalledModel& model : catalog().models()) used[model.id] = fs::path(model.projector).filename().string();
    return used;
  }
  std::string skipped() {
    std::string all;
    for (const SkippedFile& file : catalog().skipped()) all += file.path + ": " + file.reason + "\n";
    return all;
  }
  using Used = std::map<std::string, std::string>;
};

TEST_F(Projectors, TheOneBesideTheOnlyModelIsItsWhateverItsName) {
  if (!reads_images()) GTEST_SKIP() << "built without libmtmd";
  put("one/a-Q4_0.gguf", model_bytes(4));
  put("one/mmproj-model-f16.gguf", projector_bytes());
  put("two/b-Q4_0.gguf", model_bytes(4));
  EXPECT_EQ(used(), (Used{{"a-q4_0", "mmproj-model-f16.gguf"}, {"b-q4_0", ""}}));
  EXPECT_EQ(skipped(), "");
  const std::vector<InstalledModel> models = catalog().models();
  EXPECT_GT(models[0].projector_bytes, 256);
}

TEST_F(Projectors, AmongSeveralModelsNamesDecide) {
  if (!reads_images()) GTEST_SKIP() << "built without libmtmd";
  for (const char* name : {"Gemma-3-4b-it-Q4_K_M.gguf", "gemma-3-4b-it-Q8_0.gguf", "gemma-3-12b-it-Q4_K_M.gguf"}) put(name, model_bytes(4));
  put("mmproj-gemma-3-4b-it-f16.gguf", projector_bytes(8));
  put("gemma-3-4b-it-mmproj-Q8_0.gguf", projector_bytes(4));
  put("mmproj-model-f16.gguf", projector_bytes());
  EXPECT_EQ(used(), (Used{{"gemma-3-4b-it-q4_k_m", "gemma-3-4b-it-mmproj-Q8_0.gguf"},
                          {"gemma-3-4b-it-q8_0", "gemma-3-4b-it-mmproj-Q8_0.gguf"},
                          {"gemma-3-12b-it-q4_k_m", ""}}));
  EXPECT_NE(skipped().find("mmproj-model-f16.gguf: a projector of no model here"), std::string::npos);
}

TEST_F(Projectors, WhatTheConfigurationSaysWins) {
  if (!reads_images()) GTEST_SKIP() << "built without libmtmd";
  put("a.gguf", model_bytes(4));
  put("b.gguf", model_bytes(5));
  put("mmproj-a.gguf", projector_bytes());
  config_.models.projectors = {"a=", "B=" + (folder_ / "mmproj-a.gguf").string(), "gone=x.gguf"};
  EXPECT_EQ(used(), (Used{{"a", ""}, {"b", "mmproj-a.gguf"}}));
}

TEST_F(Projectors, OneThatNoModelCanUseSaysWhy) {
  if (!reads_images()) GTEST_SKIP() << "built without libmtmd";
  put("vl.gguf",
      gguf::FakeFile().text("general.architecture", "qwen2vl").number("qwen2vl.rope.dimension_sections", 4).tensor("w", 32, 4).bytes(512));
  put("mmproj-vl.gguf", projector_bytes());
  EXPECT_EQ(used(), (Used{{"vl", ""}}));
  EXPECT_NE(skipped().find("images of the architecture 'qwen2vl' can't be read"), std::string::npos);
  put("mmproj-sound.gguf", gguf::FakeFile().text("general.architecture", "clip").tensor("a", 32, 1).bytes(128));
  EXPECT_NE(skipped().find("mmproj-sound.gguf: not a language model of its own"), std::string::npos);
}

}  // namespace
}  // namespace pensieve
