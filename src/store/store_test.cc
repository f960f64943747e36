#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "base/clock.h"
#include "store/database.h"
#include "store/measurements.h"
#include "store/migrations.h"

namespace pensieve::store {
namespace {

class Folder : public ::testing::Test {
 protected:
  Folder() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    path = std::filesystem::temp_directory_path() / (std::string("pensieve-store-") + info->name() + "-" + std::to_string(getpid()));
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() override { std::filesystem::remove_all(path); }

  [[nodiscard]] std::filesystem::path file() const { return path / "ledger.db"; }
  [[nodiscard]] int damaged_files() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().filename().string().starts_with("ledger.db.damaged-")) ++count;
    }
    return count;
  }

  std::filesystem::path path;
  ManualClock clock;
};

using Ledger = Folder;

const MeasurementKey kKey{.machine = "m1", .model = "abc", .kind = MeasurementKind::kDecodeTps, .setting = "f16", .depth = 0};

TEST_F(Ledger, KeepsWhatWasRecordedAcrossReopening) {
  {
    const auto database = Database::open(file());
    ASSERT_TRUE(database) << database.error().text();
    ASSERT_TRUE(Measurements(**database, clock).record(kKey, 12.5));
  }
  const auto database = Database::open(file());
  ASSERT_TRUE(database);
  const auto found = Measurements(**database, clock).find(kKey);
  ASSERT_TRUE(found && *found);
  EXPECT_DOUBLE_EQ((*found)->value, 12.5);
  struct stat status {};
  ASSERT_EQ(stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600);
}

TEST_F(Ledger, TheMedianOfTheNewestFiguresAnswersAndOldOnesGo) {
  const auto database = Database::open(file());
  ASSERT_TRUE(database);
  Measurements measurements(**database, clock);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(measurements.record(kKey, 100));
  for (const double value : {10.0, 11.0, 12.0, 13.0, 1000.0}) ASSERT_TRUE(measurements.record(kKey, value));
  const auto found = measurements.find(kKey);
  ASSERT_TRUE(found && *found);
  EXPECT_DOUBLE_EQ((*found)->value, 12);
  const auto rows = (*database)->read([](SQLite::Database& c) { return c.execAndGet("SELECT count(*) FROM measurements").getInt(); });
  EXPECT_EQ(*rows, 16);
}

TEST_F(Ledger, TheFigureNearestInDepthAnswersAndSettingsAreNotMixed) {
  const auto database = Database::open(file());
  ASSERT_TRUE(database);
  Measurements measurements(**database, clock);
  MeasurementKey key = kKey;
  ASSERT_TRUE(measurements.record(key, 20));
  key.depth = 8000;
  ASSERT_TRUE(measurements.record(key, 9));
  key.depth = 6000;
  EXPECT_DOUBLE_EQ((*measurements.find(key))->value, 9);
  key.depth = 300;
  EXPECT_DOUBLE_EQ((*measurements.find(key))->value, 20);
  key.setting = "q8_0";
  EXPECT_FALSE(*measurements.find(key));
  EXPECT_FALSE(measurements.record(key, 0));
  EXPECT_FALSE(measurements.record(key, std::numeric_limits<double>::infinity()));
}

TEST_F(Ledger, AFileThatIsNoDatabaseIsMovedAsideAndBegunAnew) {
  std::ofstream(file()) << std::string(8192, 'x');
  const auto database = Database::open(file());
  ASSERT_TRUE(database) << database.error().text();
  EXPECT_TRUE(Measurements(**database, clock).record(kKey, 1));
  EXPECT_EQ(damaged_files(), 1);
}

TEST_F(Ledger, ADatabaseDamagedInItsMiddleIsMovedAside) {
  {
    const auto database = Database::open(file());
    ASSERT_TRUE(database);
    Measurements measurements(**database, clock);
    for (int i = 0; i < 300; ++i) {
      MeasurementKey key = kKey;
      key.model = std::string(100, 'a') + std::to_string(i);
      ASSERT_TRUE(measurements.record(key, 1));
    }
  }
  const auto size = std::filesystem::file_size(file());
  std::fstream bytes(file(), std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(4096);
  bytes << std::string(size - 4096, '\xAB');
  bytes.close();
  const auto database = Database::open(file());
  ASSERT_TRUE(database) << database.error().text();
  EXPECT_EQ(damaged_files(), 1);
  EXPECT_FALSE(*Measurements(**database, clock).find(kKey));
}

TEST_F(Ledger, AFileOfANewerPensieveIsRefusedUntouched) {
  { ASSERT_TRUE(Database::open(file())); }
  { SQLite::Database(file().string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 9999"); }
  const auto database = Database::open(file());
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(damaged_files(), 0);
}

TEST_F(Ledger, AFailedTransactionKeepsNothingOfItself) {
  const auto database = Database::open(file());
  ASSERT_TRUE(database);
  const auto done = (*database)->transact([](SQLite::Database& connection) {
    connection.exec("INSERT INTO machine_figures VALUES ('m', 'bandwidth', 1, 1)");
    connection.exec("INSERT INTO machine_figures VALUES ('m', 'bandwidth', 2, 2)");  // the same key
  });
  EXPECT_FALSE(done);
  EXPECT_FALSE(*Measurements(**database, clock).machine_figure("m", "bandwidth"));
}

TEST_F(Ledger, AReaderSeesWhatTheWriterCommittedWhileBothAreOpen) {
  const auto writer = Database::open(file());
  const auto reader = Database::open(file());
  ASSERT_TRUE(writer && reader);
  ASSERT_TRUE(Measurements(**writer, clock).record_machine("m", "bandwidth", 68.25));
  EXPECT_EQ(*Measurements(**reader, clock).machine_figure("m", "bandwidth"), 68.25);
  ASSERT_TRUE(Measurements(**writer, clock).record_reservation("abc", "ctx 4096", 17));
  EXPECT_EQ(*Measurements(**reader, clock).reservation("abc", "ctx 4096"), 17);
}

TEST_F(Ledger, AFolderThatRefusesTheFileIsAnErrorWithAdvice) {
  const auto database = Database::open(path / "none" / "ledger.db");
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, ErrorCode::kIo);
  EXPECT_TRUE(Database::open_in_memory());
}

}  // namespace
}  // namespace pensieve::store
