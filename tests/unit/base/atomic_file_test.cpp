#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace gslb::base {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() {
    std::string name = (fs::temp_directory_path() / "gslb-atomic-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::ofstream(file()) << "old";
  }
  ~AtomicFileTest() override { fs::remove_all(folder_); }

  fs::path file() const { return folder_ / "file"; }
  std::string content() const {
    std::ifstream stream(file());
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  auto files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  fs::path folder_;
};

TEST_F(AtomicFileTest, ReplacesOnCommit) {
  auto fresh = AtomicFile::make(file());
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(fresh->write("new "));
  EXPECT_TRUE(fresh->write("text"));
  EXPECT_EQ(content(), "old");
  EXPECT_TRUE(fresh->commit());
  EXPECT_EQ(content(), "new text");
  EXPECT_EQ(files(), 1);
}

TEST_F(AtomicFileTest, LeavesNothingWithoutCommit) {
  {
    auto fresh = AtomicFile::make(file());
    ASSERT_TRUE(fresh);
    EXPECT_TRUE(fresh->write("new"));
    EXPECT_EQ(files(), 2);
  }
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(AtomicFileTest, SaysWhyItCannot) {
  const auto fresh = AtomicFile::make(folder_ / "missing" / "file");
  ASSERT_FALSE(fresh);
  EXPECT_EQ(fresh.error(), "No such file or directory");
}

}  // namespace
}  // namespace gslb::base
