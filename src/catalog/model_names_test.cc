#include "catalog/model_names.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace pensieve {
namespace {

namespace fs = std::filesystem;

class Names : public testing::Test {
 protected:
  Names() : folder_(fs::temp_directory_path() / ("model-names-" + std::to_string(getpid()))) { fs::create_directories(folder_); }
  ~Names() override { fs::remove_all(folder_); }

  fs::path folder_;
  fs::path file_ = folder_ / "names.toml";
};

TEST_F(Names, AreThereAgainAfterARestart) {
  {
    ModelNames names(file_);
    ASSERT_TRUE(names.set("mine:v1", "tiny"));
    ASSERT_TRUE(names.set("org/other", "tiny"));
    ASSERT_TRUE(names.remove("org/other"));
  }
  EXPECT_EQ(ModelNames(file_).all(), (NameMap{{"mine:v1", "tiny"}}));
}

TEST_F(Names, RefuseWhatIsNoName) {
  ModelNames names(file_);
  for (const std::string& wrong : {std::string(), std::string("a b"), std::string("a\"b"), std::string("Ä"), std::string(201, 'a')}) {
    EXPECT_EQ(names.set(wrong, "tiny").error().code, ErrorCode::kInvalidArgument) << wrong;
  }
  EXPECT_TRUE(names.all().empty());
}

TEST_F(Names, AFileThatIsDamagedIsLeftOut) {
  std::ofstream(file_) << "\"mine\" = ";
  EXPECT_TRUE(ModelNames(file_).all().empty());
  std::ofstream(file_) << "\"a b\" = \"tiny\"\nmine = 3\nother = \"tiny\"\n";
  EXPECT_EQ(ModelNames(file_).all(), (NameMap{{"other", "tiny"}}));
}

TEST_F(Names, AFolderThatCantBeWrittenIsAnErrorAndChangesNothing) {
  ModelNames names(folder_ / "none" / "names.toml");
  EXPECT_EQ(names.set("mine", "tiny").error().code, ErrorCode::kIo);
  EXPECT_TRUE(names.all().empty());
}

}  // namespace
}  // namespace pensieve
