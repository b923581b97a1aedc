#include "app/file_watcher.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "tests/support/process.h"

namespace gslb::app {
namespace {

namespace fs = std::filesystem;
using support::replace_file;
using support::write_file;

class FileWatcherTest : public testing::Test {
 protected:
  FileWatcherTest() { write_file(file_, "one"); }

  void watch(const fs::path& file) {
    watcher_.emplace(io_, file, [this] { ++changes_; });
    ASSERT_EQ(watcher_->start(), "");
  }

  bool wait_for_changes(int count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (changes_ < count && std::chrono::steady_clock::now() < until) {
      io_.run_one_for(std::chrono::milliseconds(50));
    }
    return changes_ >= count;
  }

  /// True where nothing is reported for longer than events take to settle.
  bool stays_quiet() {
    const int before = changes_;
    io_.run_for(std::chrono::milliseconds(200));
    return changes_ == before;
  }

  support::TemporaryFolder folder_;
  fs::path file_ = folder_.path() / "gslbd.toml";
  boost::asio::io_context io_;
  std::optional<FileWatcher> watcher_;
  int changes_ = 0;
};

TEST_F(FileWatcherTest, ReportsAFileWrittenInPlace) {
  watch(file_);
  write_file(file_, "two!");
  EXPECT_TRUE(wait_for_changes(1));
  write_file(file_, "three");
  EXPECT_TRUE(wait_for_changes(2));
}

TEST_F(FileWatcherTest, ReportsAFileReplacedByRename) {
  watch(file_);
  replace_file(file_, "two");
  EXPECT_TRUE(wait_for_changes(1));
  replace_file(file_, "three");
  EXPECT_TRUE(wait_for_changes(2));
}

TEST_F(FileWatcherTest, ReportsAFileThatWasGoneForAWhile) {
  watch(file_);
  fs::remove(file_);
  EXPECT_TRUE(stays_quiet());
  write_file(file_, "two");
  EXPECT_TRUE(wait_for_changes(1));
}

TEST_F(FileWatcherTest, ReportsASymbolicLinkThatMovesOn) {
  // The way of Kubernetes: gslbd.toml -> ..data/gslbd.toml, ..data -> a folder per version.
  const fs::path config = folder_.path() / "mounted";
  for (const char* version : {"v1", "v2"}) {
    fs::create_directories(config / version);
    write_file(config / version / "gslbd.toml", version);
  }
  fs::create_directory_symlink("v1", config / "..data");
  fs::create_symlink("..data/gslbd.toml", config / "gslbd.toml");
  watch(config / "gslbd.toml");
  fs::create_directory_symlink("v2", config / "..data_tmp");
  fs::rename(config / "..data_tmp", config / "..data");
  EXPECT_TRUE(wait_for_changes(1));
}

TEST_F(FileWatcherTest, ReportsTheFileBehindASymbolicLink) {
  fs::create_directory(folder_.path() / "elsewhere");
  const fs::path link = folder_.path() / "elsewhere" / "link.toml";
  fs::create_symlink(file_, link);
  watch(link);
  write_file(file_, "two!");
  EXPECT_TRUE(wait_for_changes(1));
}

TEST_F(FileWatcherTest, ReportsSavesCloseTogetherOnce) {
  watch(file_);
  for (int i = 0; i < 10; ++i) write_file(file_, std::string(20 + static_cast<unsigned>(i), 'x'));
  EXPECT_TRUE(wait_for_changes(1));
  EXPECT_TRUE(stays_quiet());
  EXPECT_EQ(changes_, 1);
}

TEST_F(FileWatcherTest, IgnoresOtherFiles) {
  watch(file_);
  write_file(folder_.path() / "other.toml", "x");
  EXPECT_TRUE(stays_quiet());
}

TEST_F(FileWatcherTest, ComesBackWithItsFolder) {
  const fs::path inner = folder_.path() / "inner";
  fs::create_directory(inner);
  write_file(inner / "gslbd.toml", "one");
  watch(inner / "gslbd.toml");
  fs::remove_all(inner);
  EXPECT_TRUE(stays_quiet());
  fs::create_directory(inner);
  write_file(inner / "gslbd.toml", "two");
  EXPECT_TRUE(wait_for_changes(1));
}

class FolderWatcherTest : public FileWatcherTest {
 protected:
  FolderWatcherTest() {
    fs::create_directory(keys_);
    write_file(keys_ / "one", "1");
  }

  fs::path keys_ = folder_.path() / "keys";
};

TEST_F(FolderWatcherTest, ReportsFilesThatComeChangeAndGo) {
  watch(keys_);
  write_file(keys_ / "two", "2");
  EXPECT_TRUE(wait_for_changes(1));
  replace_file(keys_ / "two", "22");
  EXPECT_TRUE(wait_for_changes(2));
  write_file(keys_ / "one", "11");
  EXPECT_TRUE(wait_for_changes(3));
  fs::remove(keys_ / "two");
  EXPECT_TRUE(wait_for_changes(4));
  fs::rename(keys_ / "one", folder_.path() / "one");
  EXPECT_TRUE(wait_for_changes(5));
  EXPECT_TRUE(stays_quiet());
}

TEST_F(FolderWatcherTest, ReportsAFileThatMayBeReadAtLast) {
  watch(keys_);
  fs::permissions(keys_ / "one", fs::perms::owner_read);
  EXPECT_TRUE(wait_for_changes(1));
}

TEST_F(FolderWatcherTest, ReportsLinksThatMoveOn) {
  write_file(folder_.path() / "elsewhere", "2");
  watch(keys_);
  fs::create_symlink("../elsewhere", keys_ / "two");
  EXPECT_TRUE(wait_for_changes(1));
  fs::create_symlink("one", keys_ / "next");
  fs::rename(keys_ / "next", keys_ / "two");
  EXPECT_TRUE(wait_for_changes(2));
}

TEST_F(FolderWatcherTest, ReportsAFolderPutInItsPlace) {
  fs::create_directory(folder_.path() / "new");
  write_file(folder_.path() / "new" / "two", "2");
  watch(keys_);
  fs::rename(keys_, folder_.path() / "old");
  fs::rename(folder_.path() / "new", keys_);
  EXPECT_TRUE(wait_for_changes(1));
  write_file(keys_ / "three", "3");
  EXPECT_TRUE(wait_for_changes(2));
}

TEST_F(FolderWatcherTest, ComesBackWithTheFolder) {
  watch(keys_);
  fs::remove_all(keys_);
  fs::create_directory(keys_);
  write_file(keys_ / "two", "2");
  EXPECT_TRUE(wait_for_changes(1));
}

TEST_F(FolderWatcherTest, IgnoresFilesBesideTheFolder) {
  watch(keys_);
  write_file(folder_.path() / "one", "x");
  write_file(folder_.path() / "gslbd.toml", "x");
  EXPECT_TRUE(stays_quiet());
}

TEST_F(FileWatcherTest, SaysWhyAFolderCannotBeWatched) {
  FileWatcher watcher(io_, "/nonexistent/gslbd.toml", [] {});
  EXPECT_EQ(watcher.start(), "/nonexistent: No such file or directory");
}

}  // namespace
}  // namespace gslb::app
