#include "gguf/projector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>

#include "gguf/fake_file.h"

namespace pensieve::gguf {
namespace {

using testing::HasSubstr;

FakeFile& with_vision(FakeFile& file, bool sees = true) {
  return file.entry(FakeFile::raw_text("clip.has_vision_encoder") + FakeFile::raw<std::uint32_t>(7) + (sees ? "\1" : std::string(1, '\0')));
}

class ProjectorFile : public testing::Test {
 protected:
  ProjectorFile() : path_(std::filesystem::temp_directory_path() / std::format("pensieve-projector-{}.gguf", getpid())) {}
  ~ProjectorFile() override { std::filesystem::remove(path_); }
  Result<Projector> read(FakeFile& file) {
    std::ofstream(path_, std::ios::binary) << file.tensor("v", 32, 4).bytes(512);
    return read_projector(path_);
  }
  std::filesystem::path path_;
};

TEST_F(ProjectorFile, TellsWhatItTakes) {
  FakeFile file;
  file.text("general.architecture", "clip").text("clip.projector_type", "mlp").number("clip.vision.image_size", 336);
  file.number("clip.vision.patch_size", 14).number("clip.vision.embedding_length", 1024).number("clip.vision.feed_forward_length", 4096);
  const auto projector = read(with_vision(file));
  ASSERT_TRUE(projector) << projector.error().text();
  EXPECT_EQ(projector->type, "mlp");
  EXPECT_GT(projector->file_bytes, 512U);
  EXPECT_NEAR(static_cast<double>(projector->image_bytes), 17.05 * 1024 * 1024, 100'000) << "what libmtmd reserves";
}

TEST_F(ProjectorFile, ImpossibleSizesDontOverflow) {
  FakeFile file;
  file.text("general.architecture", "clip").number("clip.vision.image_size", 0xFFFFFFFF).number("clip.vision.patch_size", 0);
  file.number("clip.vision.embedding_length", 0xFFFFFFFF);
  const auto projector = read(with_vision(file));
  ASSERT_TRUE(projector);
  EXPECT_LT(projector->bytes(), std::uint64_t{1} << 60U);
}

TEST_F(ProjectorFile, OtherFilesAreNone) {
  FakeFile model;
  EXPECT_THAT(read(model.text("general.architecture", "llama")).error().message, HasSubstr("not a projector"));
  FakeFile sound;
  EXPECT_THAT(read(with_vision(sound.text("general.architecture", "clip"), false)).error().message, HasSubstr("none for images"));
}

}  // namespace
}  // namespace pensieve::gguf
