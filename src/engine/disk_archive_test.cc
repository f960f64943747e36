#include "engine/disk_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "engine/state_file.h"

namespace pensieve::engine {
namespace {

using testing::Eq;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;
namespace fs = std::filesystem;

constexpr std::size_t kAnyReach = std::numeric_limits<std::size_t>::max();

class DiskArchiveTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "pensieve-states-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }

  std::unique_ptr<DiskArchive> open(std::int64_t most = 1'000'000, const std::string& space = "model-f16") {
    auto archive = DiskArchive::open({.folder = folder / "kv", .space = space, .most_bytes = most});
    EXPECT_TRUE(archive) << archive.error().text();
    return std::move(archive).value();
  }
  [[nodiscard]] fs::path file_of(const StatePiece& kept, const std::string& space = "model-f16") const {
    return folder / "kv" / space / (kept.id + ".state");
  }
  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  static std::vector<char> bytes(std::size_t size, char value) { return std::vector<char>(size, value); }

  fs::path folder;
  const std::vector<Token> tokens{1, 2, 3, 4};
  const StatePiece piece = state_piece({}, 0, tokens);
};

TEST_F(DiskArchiveTest, GivesBackWhatItKeptEvenBeforeItIsWritten) {
  const auto archive = open();
  archive->store(piece, bytes(100, 'a'));
  EXPECT_TRUE(archive->contains(piece.id));
  EXPECT_THAT(archive->read(piece), Optional(Eq(bytes(100, 'a'))));
}

TEST_F(DiskArchiveTest, KeepsConversationsThroughARestart) {
  open()->store(piece, bytes(100, 'a'));
  const auto archive = open();
  EXPECT_THAT(archive->find({}, tokens, kAnyReach), SizeIs(1));
  EXPECT_THAT(archive->read(piece), Optional(Eq(bytes(100, 'a'))));
}

TEST_F(DiskArchiveTest, OnlyTheOwnerCanReadThem) {
  open()->store(piece, bytes(100, 'a'));
  struct stat status{};
  ASSERT_EQ(stat(file_of(piece).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(stat((folder / "kv").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(DiskArchiveTest, IsOfOneModelOnly) {
  open()->store(piece, bytes(100, 'a'));
  EXPECT_THAT(open(1'000'000, "other")->find({}, tokens, kAnyReach), IsEmpty());
}

TEST_F(DiskArchiveTest, ABeginningThatAdaptersComputedComesBackAsTheirs) {
  const StateId parent = parent_for_adapters({}, 5);
  const StatePiece adapted = state_piece(parent, 0, tokens);
  open()->store(adapted, bytes(100, 'a'));
  const auto archive = open();
  EXPECT_THAT(archive->find({}, tokens, kAnyReach), IsEmpty());
  EXPECT_THAT(archive->find(parent, tokens, kAnyReach), SizeIs(1));
  EXPECT_THAT(archive->read(adapted), Optional(Eq(bytes(100, 'a'))));
}

TEST_F(DiskArchiveTest, IgnoresAndRemovesDamagedFiles) {
  open()->store(piece, bytes(100, 'a'));
  {
    std::fstream file(file_of(piece), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-70, std::ios::end);  // within the state
    file.put('X');
  }
  const auto archive = open();
  EXPECT_THAT(archive->find({}, tokens, kAnyReach), SizeIs(1)) << "the head is whole";
  EXPECT_EQ(archive->read(piece), std::nullopt);
  EXPECT_THAT(archive->find({}, tokens, kAnyReach), IsEmpty());
  EXPECT_FALSE(fs::exists(file_of(piece)));
}

TEST_F(DiskArchiveTest, RemovesForeignAndHalfWrittenFilesAtStart) {
  open()->store(piece, bytes(100, 'a'));
  const fs::path space = file_of(piece).parent_path();
  std::ofstream(space / "notes.txt") << "hello";
  std::ofstream(space / "0123.state.part") << "half";
  std::ofstream(space / "0123.state") << "PENSIEVE-STATE-1 and nothing more";
  fs::copy_file(file_of(piece), space / (std::string(64, 'b') + ".state"));
  fs::resize_file(space / (std::string(64, 'b') + ".state"), 120);
  EXPECT_THAT(open()->find({}, tokens, kAnyReach), SizeIs(1));
  EXPECT_EQ(files(), 1U);
}

TEST_F(DiskArchiveTest, TheOldestGoWhenTheBoundIsPassedWhosever) {
  const StatePiece other = state_piece({}, 0, std::vector<Token>{9, 8});
  open(1'000'000, "other")->store(other, bytes(4000, 'o'));
  fs::last_write_time(file_of(other, "other"), fs::file_time_type::clock::now() - std::chrono::hours(1));
  open()->store(piece, bytes(4000, 'a'));
  open(6000);
  EXPECT_FALSE(fs::exists(file_of(other, "other")));
  EXPECT_TRUE(fs::exists(file_of(piece)));
}

TEST_F(DiskArchiveTest, WhatIsLargerThanTheBoundIsNotKept) {
  const auto archive = open(50);
  archive->store(piece, bytes(100, 'a'));
  EXPECT_FALSE(archive->contains(piece.id));
}

TEST_F(DiskArchiveTest, AGrownPieceTakesThePlaceOfItsBeginning) {
  const StatePiece longer = state_piece({}, 0, std::vector<Token>{1, 2, 3, 4, 5});
  {
    const auto archive = open();
    archive->store(piece, bytes(100, 'a'));
    archive->store(longer, bytes(120, 'b'));
  }
  EXPECT_FALSE(fs::exists(file_of(piece)));
  EXPECT_TRUE(fs::exists(file_of(longer)));
}

TEST_F(DiskArchiveTest, AFolderThatCantBeMadeIsAnError) {
  std::ofstream(folder / "kv") << "a file";
  EXPECT_FALSE(DiskArchive::open({.folder = folder / "kv", .space = "s", .most_bytes = 100}));
}

TEST_F(DiskArchiveTest, AWriteThatFailsLosesOnlyThat) {
  const auto archive = open();
  (void)archive->find({}, tokens, kAnyReach);  // the folder has been read
  fs::remove_all(file_of(piece).parent_path());
  archive->store(piece, bytes(100, 'a'));
  fs::create_directories(file_of(piece).parent_path());
  const StatePiece next = state_piece({}, 0, std::vector<Token>{5});
  archive->store(next, bytes(100, 'b'));
  EXPECT_THAT(archive->read(next), Optional(Eq(bytes(100, 'b'))));
}

TEST(StateFile, RefusesEveryShortenedHead) {
  const StatePiece piece = state_piece({}, 0, std::vector<Token>{1, 2, 3});
  const std::string whole = encode_state_head(piece, 10);
  ASSERT_TRUE(decode_state_head(whole));
  EXPECT_EQ(decode_state_head(whole)->piece.id, piece.id);
  EXPECT_EQ(decode_state_head(whole)->state_bytes, 10);
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(decode_state_head(whole.substr(0, size))) << size;
}

TEST(StateFile, RefusesTokensThatAreNotItsNames) {
  std::string head = encode_state_head(state_piece({}, 0, std::vector<Token>{1, 2, 3}), 10);
  head.back() = 'x';
  EXPECT_FALSE(decode_state_head(head));
}

}  // namespace
}  // namespace pensieve::engine
