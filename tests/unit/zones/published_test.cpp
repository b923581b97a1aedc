#include "zones/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/test_snapshot.h"

namespace gslb::zones {
namespace {

/// A snapshot that can be told apart by its number of profiles.
std::shared_ptr<const Snapshot> numbered(std::size_t number) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->profiles.resize(number);
  return snapshot;
}

TEST(Published, AReaderSeesTheNewest) {
  Published published(numbered(0));
  SnapshotReader reader(published);
  EXPECT_EQ(reader.refresh().profiles.size(), 0U);
  published.publish(numbered(1));
  published.publish(numbered(2));
  EXPECT_EQ(reader.refresh().profiles.size(), 2U);
  EXPECT_EQ(published.current()->profiles.size(), 2U);
}

TEST(Published, WhatAReaderHoldsStaysAlive) {
  Published published(numbered(1));
  SnapshotReader reader(published);
  const Snapshot& held = reader.refresh();
  published.publish(numbered(2));
  published.publish(numbered(3));
  EXPECT_EQ(held.profiles.size(), 1U);
}

TEST(Published, WhatNobodyHoldsIsFreedByThePublisher) {
  auto first = numbered(1);
  const std::weak_ptr<const Snapshot> watched = first;
  Published published(std::move(first));
  SnapshotReader reader(published);
  published.publish(numbered(2));
  EXPECT_FALSE(watched.expired()) << "the reader still holds it";
  reader.refresh();
  EXPECT_FALSE(watched.expired()) << "a reader must not be the one who frees";
  published.publish(numbered(3));
  EXPECT_TRUE(watched.expired());
}

TEST(Published, ReadersOnOtherThreadsNeverSeeThePast) {
  Published published(numbered(0));
  std::atomic<bool> done{false};
  std::atomic<int> backward{0};
  const auto read = [&] {
    SnapshotReader reader(published);
    std::size_t last = 0;
    while (!done.load()) {
      const std::size_t now = reader.refresh().profiles.size();
      if (now < last) backward.fetch_add(1);
      last = now;
    }
  };
  std::thread one(read), two(read);
  for (std::size_t i = 1; i <= 500; ++i) published.publish(numbered(i));
  done.store(true);
  one.join();
  two.join();
  EXPECT_EQ(backward.load(), 0);
}

}  // namespace
}  // namespace gslb::zones
