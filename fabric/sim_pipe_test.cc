#include "fabric/sim_pipe.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/sim_options.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class SimPipeTest : public testing::Test {
 protected:
  SimPipe Made(const SimDirection& options) {
    return SimPipe(options, base::Random(7), &counters_);
  }

  static size_t Write(SimPipe* pipe, std::string bytes) {
    const iovec one[] = {{bytes.data(), bytes.size()}};
    return pipe->Write(one);
  }
  static std::string Read(SimPipe* pipe, size_t room) {
    std::string out(room, '?');
    const iovec one[] = {{out.data(), out.size()}};
    out.resize(pipe->Read(one));
    return out;
  }
  static void WriteAll(SimPipe* pipe, const std::string& bytes) {
    EXPECT_EQ(Write(pipe, bytes), bytes.size());
    pipe->Arrive(bytes.size());
  }

  SimCounters counters_;
};

TEST_F(SimPipeTest, WhatWasWrittenIsReadOnceItArrived) {
  SimPipe pipe = Made({});
  EXPECT_EQ(Write(&pipe, "abcdef"), 6u);
  EXPECT_EQ(pipe.in_flight(), 6u);
  EXPECT_EQ(Read(&pipe, 9), "");
  pipe.Arrive(4);
  EXPECT_EQ(pipe.in_flight(), 2u);
  EXPECT_EQ(Read(&pipe, 9), "abcd");
  EXPECT_FALSE(pipe.HasArrived());
  pipe.Arrive(99);
  EXPECT_EQ(pipe.total_arrived(), 6u) << "no more than there is";
  EXPECT_EQ(Read(&pipe, 1), "e");
  EXPECT_EQ(Read(&pipe, 9), "f");
}

TEST_F(SimPipeTest, TakesWhatItsBufferHolds) {
  SimDirection options;
  options.buffer_bytes = 4;
  SimPipe pipe = Made(options);
  EXPECT_EQ(Write(&pipe, "abc"), 3u);
  EXPECT_EQ(Write(&pipe, "def"), 1u);
  EXPECT_FALSE(pipe.HasRoom());
  EXPECT_EQ(Write(&pipe, "x"), 0u);
  EXPECT_EQ(counters_.blocked_writes, 1u);
  pipe.Arrive(4);
  EXPECT_EQ(Read(&pipe, 2), "ab");
  EXPECT_TRUE(pipe.HasRoom());
  EXPECT_EQ(Write(&pipe, "efg"), 2u);
}

TEST_F(SimPipeTest, OneReadAndOneWriteHaveTheirMost) {
  SimDirection options;
  options.max_read_bytes = 2;
  options.max_write_bytes = 5;
  SimPipe pipe = Made(options);
  EXPECT_EQ(Write(&pipe, "abcdefg"), 5u);
  pipe.Arrive(5);
  EXPECT_EQ(Read(&pipe, 9), "ab");
}

TEST_F(SimPipeTest, CountsWhatWentThrough) {
  SimPipe pipe = Made({});
  WriteAll(&pipe, "abc");
  WriteAll(&pipe, "de");
  Read(&pipe, 4);
  Read(&pipe, 4);
  pipe.CountBlockedRead();
  EXPECT_EQ(counters_.writes, 2u);
  EXPECT_EQ(counters_.bytes_written, 5u);
  EXPECT_EQ(counters_.reads, 2u);
  EXPECT_EQ(counters_.bytes_read, 5u);
  EXPECT_EQ(counters_.blocked_reads, 1u);
}

// Of the sequence, not of the sum.
TEST_F(SimPipeTest, ReadSizesInAnotherOrderHaveAnotherHash) {
  const auto hash = [this](size_t first) {
    counters_ = {};
    SimPipe pipe = Made({});
    WriteAll(&pipe, "abc");
    Read(&pipe, first);
    Read(&pipe, 3);
    return counters_.read_sizes_hash;
  };
  EXPECT_NE(hash(1), hash(2));
  EXPECT_EQ(hash(1), hash(1));
}

TEST_F(SimPipeTest, ReadsMayStopAtWrites) {
  SimDirection options;
  options.reads_stop_at_writes = true;
  SimPipe pipe = Made(options);
  WriteAll(&pipe, "abc");
  WriteAll(&pipe, "de");
  WriteAll(&pipe, "f");
  EXPECT_EQ(Read(&pipe, 2), "ab");
  EXPECT_EQ(Read(&pipe, 9), "c");
  EXPECT_EQ(Read(&pipe, 9), "de");
  EXPECT_EQ(Read(&pipe, 9), "f");
}

TEST_F(SimPipeTest, WhatIsDiscardedTakesItsWritesWithIt) {
  SimDirection options;
  options.reads_stop_at_writes = true;
  SimPipe pipe = Made(options);
  WriteAll(&pipe, "abc");
  EXPECT_EQ(Write(&pipe, "de"), 2u);
  pipe.Arrive(1);
  pipe.DiscardArrived();
  EXPECT_FALSE(pipe.HasArrived());
  WriteAll(&pipe, "fg");
  EXPECT_EQ(Read(&pipe, 9), "e");
  pipe.Arrive(9);
  EXPECT_EQ(Read(&pipe, 9), "fg");
}

// Each cut makes the reader wait once where it stands; one that stands twice, twice.
TEST_F(SimPipeTest, StopsAndWaitsAtItsCuts) {
  SimDirection options;
  options.read_cuts = {0, 2, 2, 5};
  SimPipe pipe = Made(options);
  WriteAll(&pipe, "abcdefg");
  EXPECT_TRUE(pipe.TakeReadHold());
  EXPECT_FALSE(pipe.TakeReadHold());
  EXPECT_EQ(Read(&pipe, 9), "ab");
  EXPECT_TRUE(pipe.TakeReadHold());
  EXPECT_TRUE(pipe.TakeReadHold());
  EXPECT_FALSE(pipe.TakeReadHold());
  EXPECT_EQ(Read(&pipe, 1), "c");
  EXPECT_FALSE(pipe.TakeReadHold());
  EXPECT_EQ(Read(&pipe, 9), "de");
  EXPECT_TRUE(pipe.TakeReadHold());
  EXPECT_EQ(Read(&pipe, 9), "fg");
}

TEST_F(SimPipeTest, MayBlockOnceBetweenAnyTwo) {
  SimDirection options;
  options.read_block_percent = options.write_block_percent = 100;
  SimPipe pipe = Made(options);
  EXPECT_EQ(Write(&pipe, "ab"), 2u);
  EXPECT_EQ(Write(&pipe, "cd"), 0u);
  EXPECT_TRUE(pipe.HasRoom());
  EXPECT_EQ(Write(&pipe, "cd"), 2u);
  pipe.Arrive(4);
  EXPECT_FALSE(pipe.TakeReadHold());
  EXPECT_EQ(Read(&pipe, 1), "a");
  EXPECT_TRUE(pipe.TakeReadHold());
  EXPECT_FALSE(pipe.TakeReadHold());
}

TEST_F(SimPipeTest, WhatArrivedIsNotLost) {
  SimPipe all = Made({});
  EXPECT_EQ(Write(&all, "abcdef"), 6u);
  all.Arrive(2);
  all.LoseAllInFlight();
  EXPECT_EQ(all.in_flight(), 0u);
  EXPECT_EQ(Read(&all, 9), "ab");
}

TEST_F(SimPipeTest, SomeOfWhatIsUnderWayIsLostFromItsEnd) {
  size_t least = 99, most = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimPipe pipe({}, base::Random(seed), &counters_);
    EXPECT_EQ(Write(&pipe, "abcdef"), 6u);
    pipe.Arrive(2);
    pipe.LoseSomeInFlight();
    least = std::min(least, pipe.in_flight());
    most = std::max(most, pipe.in_flight());
    pipe.Arrive(9);
    EXPECT_EQ(Read(&pipe, 9), std::string("abcdef").substr(0, pipe.total_arrived()));
  }
  EXPECT_EQ(least, 0u);
  EXPECT_EQ(most, 4u);
}

TEST_F(SimPipeTest, LatenciesAreBetweenTheirBounds) {
  SimDirection options;
  options.min_latency = absl::Milliseconds(10);
  options.max_latency = absl::Milliseconds(20);
  SimPipe pipe = Made(options);
  absl::Duration least = absl::InfiniteDuration(), most = absl::ZeroDuration();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration one = pipe.DrawLatency();
    least = std::min(least, one);
    most = std::max(most, one);
  }
  EXPECT_GE(least, absl::Milliseconds(10));
  EXPECT_LT(least, absl::Milliseconds(11));
  EXPECT_GT(most, absl::Milliseconds(19));
  EXPECT_LE(most, absl::Milliseconds(20));
}

// Half of them about a header's size, half of any.
TEST_F(SimPipeTest, RandomReadsAreSmallOrOfAnySize) {
  SimDirection options;
  options.random_reads = true;
  int small = 0, large = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimPipe pipe(options, base::Random(seed), &counters_);
    WriteAll(&pipe, std::string(100'000, 'x'));
    const size_t size = Read(&pipe, 100'000).size();
    EXPECT_GE(size, 1u);
    (size <= 64 ? small : large)++;
  }
  EXPECT_GT(small, 50);
  EXPECT_GT(large, 50);
}

}  // namespace
}  // namespace pushpull::fabric
