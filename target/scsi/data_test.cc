// Commands that move blocks: what they write and read, short buffers, comparison, failing media.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {
namespace {

std::vector<uint8_t> Filled(size_t blocks, uint8_t value) {
  return std::vector<uint8_t>(blocks * 512, value);
}

CommandOptions Out(std::vector<uint8_t> data) {
  CommandOptions options;
  options.data_out = std::move(data);
  return options;
}

CommandOptions Room(uint64_t bytes) {
  CommandOptions options;
  options.room = bytes;
  return options;
}

class DataTest : public testing::Test {
 protected:
  std::vector<uint8_t> ReadBlock(uint8_t lba) {
    return bench_.Do(nexus_, std::vector<uint8_t>{0x08, 0, 0, lba, 1, 0}).data;
  }

  Bench bench_;
  Nexus* nexus_ = bench_.Open();
};

TEST_F(DataTest, EverySizeOfCdbWritesAndReads) {
  const struct {
    const char* write;
    const char* read;
    size_t blocks;
  } kCases[] = {
      {"0a 00 00 05 02 00", "08 00 00 05 02 00", 2},
      {"0a 00 00 05 00 00", "08 00 00 05 00 00", 256},
      {"2a 18 00 00 00 05 00 00 03 00", "28 18 00 00 00 05 00 00 03 00", 3},
      {"aa 08 00 00 00 05 00 00 00 04 00 00", "a8 10 00 00 00 05 00 00 00 04 00 00", 4},
      {"8a 00 00 00 00 00 00 00 00 05 00 00 00 05 00 00",
       "88 00 00 00 00 00 00 00 00 05 00 00 00 05 00 00", 5},
      {"7f 00 00 00 00 00 00 18 00 0b 08 00 00 00 00 00 00 00 00 05"
       "00 00 00 01 00 02 00 03 00 00 00 06",  // the tags of protection information are ignored
       "7f 00 00 00 00 00 00 18 00 09 18 00 00 00 00 00 00 00 00 05"
       "00 00 00 01 00 02 00 03 00 00 00 06",
       6},
  };
  uint8_t value = 1;
  for (const auto& c : kCases) {
    const auto data = Filled(c.blocks, ++value);
    const Answer written = bench_.Do(nexus_, c.write, Out(data));
    EXPECT_EQ(written.Summary(), "GOOD") << c.write;
    EXPECT_EQ(written.direction, DataDirection::kOut);
    EXPECT_EQ(written.transfer_bytes, data.size());
    const Answer read = bench_.Do(nexus_, c.read);
    EXPECT_EQ(read.data, data) << c.read;
    EXPECT_EQ(read.direction, DataDirection::kIn);
    EXPECT_EQ(ReadBlock(4), Filled(1, 0));
  }
}

TEST_F(DataTest, ReadsWhatThereIsRoomFor) {
  bench_.Do(nexus_, "2a 00 00 00 00 00 00 00 02 00", Out(Filled(2, 9)));
  for (const uint64_t room : {0, 1, 511, 512, 700}) {
    const Answer answer = bench_.Do(nexus_, "28 00 00 00 00 00 00 00 02 00", Room(room));
    EXPECT_EQ(answer.Summary(), "GOOD");
    EXPECT_EQ(answer.transfer_bytes, 1024u) << "the residual is the transport's";
    EXPECT_EQ(answer.data, std::vector<uint8_t>(room, 9));
  }
  const Answer more = bench_.Do(nexus_, "28 00 00 00 00 00 00 00 02 00", Room(5000));
  EXPECT_EQ(more.data, Filled(2, 9));
}

TEST_F(DataTest, WritesWholeBlocksOfWhatCame) {
  for (const size_t bytes : {0, 511, 512, 1000}) {
    bench_.Do(nexus_, "2a 00 00 00 00 00 00 00 02 00", Out(Filled(2, 1)));
    const Answer answer =
        bench_.Do(nexus_, "2a 00 00 00 00 00 00 00 02 00", Out(std::vector<uint8_t>(bytes, 2)));
    EXPECT_EQ(answer.Summary(), "GOOD");
    EXPECT_EQ(answer.transfer_bytes, 1024u);
    EXPECT_EQ(ReadBlock(0), Filled(1, bytes >= 512 ? 2 : 1));
    EXPECT_EQ(ReadBlock(1), Filled(1, 1));
  }
  bench_.Do(nexus_, "2a 00 00 00 00 00 00 00 01 00", Out(Filled(3, 3)));
  EXPECT_EQ(ReadBlock(0), Filled(1, 3));
  EXPECT_EQ(ReadBlock(1), Filled(1, 1)) << "more came than the command is about";
}

TEST_F(DataTest, ParameterDataIsCutToTheRoom) {
  const Answer answer = bench_.Do(nexus_, "12 00 00 00 60 00", Room(5));
  EXPECT_EQ(answer.transfer_bytes, 96u);
  EXPECT_EQ(answer.data.size(), 5u);
}

TEST_F(DataTest, VerifyCompares) {
  std::vector<uint8_t> data = Filled(4, 0);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i / 512 + i % 7);
  bench_.Do(nexus_, "2a 00 00 00 00 10 00 00 04 00", Out(data));
  const char* kVerify = "2f 02 00 00 00 10 00 00 04 00";
  EXPECT_EQ(bench_.Do(nexus_, kVerify, Out(data)).Summary(), "GOOD");
  EXPECT_EQ(bench_.Do(nexus_, kVerify, Out(data)).transfer_bytes, 2048u);
  for (const size_t at : {size_t{0}, size_t{511}, size_t{1024}, data.size() - 1}) {
    std::vector<uint8_t> other = data;
    other[at] ^= 1;
    EXPECT_EQ(bench_.Do(nexus_, kVerify, Out(other)).Summary(), "e/1d/00") << at;
  }
  data.resize(1500);
  data[1400] ^= 1;
  EXPECT_EQ(bench_.Do(nexus_, kVerify, Out(data)).Summary(), "GOOD") << "only whole blocks count";
  EXPECT_EQ(bench_.Do(nexus_, kVerify, Out({})).Summary(), "GOOD");
}

TEST_F(DataTest, VerifyComparesAllWithOneBlock) {
  bench_.Do(nexus_, "2a 00 00 00 00 10 00 00 04 00", Out(Filled(4, 8)));
  const char* kVerify = "8f 06 00 00 00 00 00 00 00 10 00 00 00 04 00 00";
  const Answer same = bench_.Do(nexus_, kVerify, Out(Filled(1, 8)));
  EXPECT_EQ(same.Summary(), "GOOD");
  EXPECT_EQ(same.transfer_bytes, 512u);
  bench_.Do(nexus_, "2a 00 00 00 00 13 00 00 01 00", Out(Filled(1, 7)));
  EXPECT_EQ(bench_.Do(nexus_, kVerify, Out(Filled(1, 8))).Summary(), "e/1d/00");
  EXPECT_EQ(bench_.Do(nexus_, "2f 06 00 00 00 10 00 00 00 00").transfer_bytes, 0u);
}

TEST_F(DataTest, CdbsOf32BytesDoWhatShorterOnesDo) {
  const auto cdb = [](const char* action, const char* flags) {
    return absl::StrCat("7f 00 00 00 00 00 00 18 00 ", action, flags,
                        "00 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00 00 00 00 00 02");
  };
  const auto data = Filled(2, 7);
  EXPECT_EQ(bench_.Do(nexus_, cdb("0c", "02"), Out(data)).Summary(), "GOOD");
  EXPECT_EQ(bench_.Do(nexus_, cdb("0a", "02"), Out(data)).Summary(), "GOOD");
  EXPECT_EQ(bench_.Do(nexus_, cdb("0a", "02"), Out(Filled(2, 8))).Summary(), "e/1d/00");
  EXPECT_EQ(bench_.Do(nexus_, cdb("0a", "04"), {}).Summary(), "5/24/00 cdb 10.2");
  EXPECT_EQ(bench_.Do(nexus_, cdb("0d", "00"), Out(Filled(1, 9))).transfer_bytes, 512u);
  EXPECT_EQ(ReadBlock(9), Filled(1, 9));
  EXPECT_EQ(ReadBlock(10), Filled(1, 9));
  EXPECT_EQ(bench_.Do(nexus_, cdb("0d", "09"), {}).transfer_bytes, 0u) << "NDOB, UNMAP";
  EXPECT_EQ(ReadBlock(10), Filled(1, 0));
  EXPECT_EQ(bench_.Do(nexus_, cdb("0b", "20"), Out(data)).Summary(), "5/24/00 cdb 10.7");
  EXPECT_EQ(bench_.Do(nexus_, "7f 00 00 00 00 00 00 20 00 09").Summary(), "5/24/00 cdb 7");
}

TEST_F(DataTest, VerifyGoesOnBeyondItsChunks) {
  // 600 KiB: three reads of the store.
  const std::vector<uint8_t> data = Filled(1200, 4);
  bench_.Do(nexus_, "2a 00 00 00 00 00 00 04 b0 00", Out(data));
  EXPECT_EQ(bench_.Do(nexus_, "2f 02 00 00 00 00 00 04 b0 00", Out(data)).Summary(), "GOOD");
  bench_.Do(nexus_, "2a 00 00 00 04 af 00 00 01 00", Out(Filled(1, 5)));
  EXPECT_EQ(bench_.Do(nexus_, "2f 02 00 00 00 00 00 04 b0 00", Out(data)).Summary(), "e/1d/00");
}

// ---- media that fail -------------------------------------------------------------------------

class FailingStore final : public Store {
 public:
  std::optional<absl::Status> Submit(Io* io) override {
    const absl::Status status = next;
    if (at_once) return status;
    io->loop->Post([io, status] { FinishIo(io, status); });
    return std::nullopt;
  }
  uint64_t size_bytes() const override { return 1 << 20; }
  bool has_volatile_cache() const override { return true; }

  absl::Status next;
  bool at_once = false;
};

TEST(FailingMediumTest, IsReportedBySense) {
  const struct {
    absl::Status status;
    const char* read;
    const char* write;
  } kCases[] = {
      {absl::OkStatus(), "GOOD", "GOOD"},
      {absl::DataLossError("EIO"), "3/11/00", "3/0c/00"},
      {absl::ResourceExhaustedError("ENOSPC"), "3/11/00", "7/27/07"},
      {absl::PermissionDeniedError("EROFS"), "3/11/00", "7/27/00"},
      {absl::UnavailableError("ENODEV"), "4/44/00", "4/44/00"},
  };
  for (const bool at_once : {false, true}) {
    auto store = std::make_shared<FailingStore>();
    store->at_once = at_once;
    fabric::SimWorld world(1);
    fabric::Loop* loop = world.NewLoop();
    const auto server = *DeviceServer::Create({kBenchTarget, {}}, {{0, "", 512, false, store}});
    Nexus* nexus = server->OpenNexus({"iqn.x", {}, 1}, loop);
    const auto run = [&](const char* cdb, size_t data_bytes) {
      Task task;
      task.nexus = nexus;
      const auto bytes = FromHex(cdb);
      std::copy(bytes.begin(), bytes.end(), task.cdb.begin());
      bool ended = false;
      task.done = [&] { ended = true; };
      std::vector<uint8_t> data(data_bytes);
      const iovec buffer{data.data(), data.size()};
      if (server->Prepare(&task)) {
        task.data = {&buffer, 1};
        if (server->Execute(&task) == Execution::kPending) world.RunUntil([&] { return ended; });
      }
      const uint8_t* sense = task.result.sense_buffer.data();
      return task.result.sense_bytes == 0
                 ? std::string("GOOD")
                 : Sense{SenseKey(sense[2]), sense[12], sense[13], {}, {}}.ToString();
    };
    EXPECT_EQ(run("00", 0), "6/29/00");
    for (const auto& c : kCases) {
      store->next = c.status;
      EXPECT_EQ(run("28 00 00 00 00 00 00 00 01 00", 512), c.read) << c.status;
      EXPECT_EQ(run("2f 00 00 00 00 00 00 00 01 00", 0), c.read) << c.status;
      EXPECT_EQ(run("2f 02 00 00 00 00 00 00 01 00", 512), c.status.ok() ? "GOOD" : c.read);
      EXPECT_EQ(run("2a 00 00 00 00 00 00 00 01 00", 512), c.write) << c.status;
      EXPECT_EQ(run("35 00 00 00 00 00 00 00 00 00", 0), c.write) << c.status;
      EXPECT_EQ(run("1b 00 00 00 00 00", 0), c.write) << c.status;
      EXPECT_EQ(run("1b 00 00 00 01 00", 0), "GOOD");
    }
    bool closed = false;
    server->CloseNexus(nexus, [&] { closed = true; });
    world.RunUntilIdle();
    EXPECT_TRUE(closed);
  }
}

TEST(WriteCacheTest, FuaAndTheCachingPageDecideWhatIsDurable) {
  class WatchingStore final : public Store {
   public:
    std::optional<absl::Status> Submit(Io* io) override {
      ops.push_back(io->op == Io::Op::kFlush ? "flush" : io->durable ? "durable" : "cached");
      return absl::OkStatus();
    }
    uint64_t size_bytes() const override { return 1 << 20; }
    bool has_volatile_cache() const override { return true; }
    std::vector<std::string> ops;
  };
  auto store = std::make_shared<WatchingStore>();
  fabric::SimWorld world(1);
  const auto server = *DeviceServer::Create({kBenchTarget, {}}, {{0, "", 512, false, store}});
  Nexus* nexus = server->OpenNexus({"iqn.x", {}, 1}, world.NewLoop());
  const auto run = [&](const char* cdb, std::vector<uint8_t> data) {
    Task task;
    task.nexus = nexus;
    const auto bytes = FromHex(cdb);
    std::copy(bytes.begin(), bytes.end(), task.cdb.begin());
    const iovec buffer{data.data(), data.size()};
    if (!server->Prepare(&task)) return;
    task.data = {&buffer, 1};
    EXPECT_EQ(server->Execute(&task), Execution::kEnded);
    EXPECT_EQ(task.result.status, ScsiStatus::kGood) << cdb;
  };
  run("00", {});  // unit attention
  run("2a 00 00 00 00 00 00 00 01 00", Filled(1, 0));
  run("2a 08 00 00 00 00 00 00 01 00", Filled(1, 0));
  run("0a 08 00 00 01 00", Filled(1, 0));  // bit 3 of byte 1 is part of the LBA here
  run("35 00 00 00 00 00 00 00 00 00", {});
  run("35 02 00 00 00 00 00 00 00 00", {});
  run("15 10 00 00 18 00",
      FromHex("00 00 00 00  08 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"));
  run("2a 00 00 00 00 00 00 00 01 00", Filled(1, 0));
  const std::vector<std::string> cached = {"cached", "durable", "flush", "flush"};
  EXPECT_TRUE(std::equal(cached.begin(), cached.end(), store->ops.begin())) << store->ops.size();
  // What was in the cache when it was turned off, and what was written then.
  ASSERT_EQ(store->ops.size(), 6u);
  EXPECT_EQ(store->ops[4], "flush");
  EXPECT_EQ(store->ops[5], "durable");
  bool closed = false;
  server->CloseNexus(nexus, [&] { closed = true; });
  world.RunUntilIdle();
  EXPECT_TRUE(closed);
}

// ---- a model ---------------------------------------------------------------------------------

class RandomCommandsTest : public testing::TestWithParam<int> {};

// A stream of random commands leaves what a plain array of bytes would, and reads it.
TEST_P(RandomCommandsTest, EqualAPlainArray) {
  base::Random random(static_cast<uint64_t>(GetParam()));
  const uint32_t block = random.Chance(50) ? 512 : 4096;
  const uint64_t blocks = 64;
  const bool slow = random.Chance(30);
  Bench bench(
      {{0, std::string(slow ? "slow:3," : "") + "ram:" + std::to_string(blocks * block), block}});
  Nexus* nexus = bench.Open();
  std::vector<uint8_t> model(blocks * block, 0);
  for (int i = 0; i < 300; ++i) {
    const uint64_t lba = random.Below(blocks + 3);
    const uint64_t count = random.Below(12);
    const int size = random.Chance(50) ? 10 : random.Chance(50) ? 16 : 12;
    const int kind = static_cast<int>(random.Below(3));  // read, write, verify
    std::vector<uint8_t> cdb(16, 0);
    const uint8_t ops[3][3] = {{0x28, 0xa8, 0x88}, {0x2a, 0xaa, 0x8a}, {0x2f, 0x2f, 0x8f}};
    cdb[0] = ops[kind][size == 10 ? 0 : size == 12 ? 1 : 2];
    if (cdb[0] >> 5 == 4) {
      base::StoreBe64(&cdb[2], lba);
      base::StoreBe32(&cdb[10], static_cast<uint32_t>(count));
    } else {
      base::StoreBe32(&cdb[2], static_cast<uint32_t>(lba));
      if (cdb[0] >> 5 == 5) {
        base::StoreBe32(&cdb[6], static_cast<uint32_t>(count));
      } else {
        base::StoreBe16(&cdb[7], static_cast<uint16_t>(count));
      }
    }
    if (kind == 2) cdb[1] = 0x02;
    const bool in_range = lba + count <= blocks;
    const auto begin = model.begin() + static_cast<int64_t>(lba * block);
    CommandOptions options;
    options.room = random.Chance(70) ? count * block : random.Below(count * block + 2);
    options.data_out.resize(*options.room);
    for (uint8_t& byte : options.data_out) byte = static_cast<uint8_t>(random.Next());
    const size_t whole = options.data_out.size() / block * block;
    const bool same = kind == 2 && in_range && random.Chance(50);
    if (same) std::copy(begin, begin + static_cast<int64_t>(whole), options.data_out.begin());
    const Answer answer = bench.Do(nexus, cdb, options);
    if (!in_range) {
      EXPECT_EQ(answer.Summary(), "5/21/00");
      continue;
    }
    ASSERT_EQ(answer.transfer_bytes, answer.sense.empty() ? count * block : 0) << i;
    if (kind == 0) {
      const size_t bytes = std::min<size_t>(*options.room, count * block);
      ASSERT_EQ(answer.data, std::vector<uint8_t>(begin, begin + static_cast<int64_t>(bytes)));
    } else if (kind == 1) {
      ASSERT_EQ(answer.Summary(), "GOOD");
      std::copy_n(options.data_out.begin(), std::min<size_t>(whole, count * block), begin);
    } else {
      const bool matches = std::equal(
          options.data_out.begin(), options.data_out.begin() + static_cast<int64_t>(whole), begin);
      ASSERT_EQ(answer.Summary(), matches ? "GOOD" : "e/1d/00") << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomCommandsTest, testing::Range(0, 20));

// Whatever the bytes of a CDB are, the answer is one.
TEST(RandomCdbTest, IsAlwaysAnswered) {
  base::Random random(7);
  Bench bench({{0, "ram:1M"}, {1, "null:1T", 4096, true}});
  Nexus* nexus = bench.Open();
  const std::vector<uint8_t> known = FromHex(
      "00 03 08 0a 12 15 1a 1b 1e 25 28 2a 2f 35 41 42 55 5a 88 8a 8f 91 93 9e a0 a3 a8 aa");
  for (int i = 0; i < 6000; ++i) {
    std::vector<uint8_t> cdb(16);
    for (uint8_t& byte : cdb) byte = static_cast<uint8_t>(random.Next() & random.Next());
    if (random.Chance(90)) cdb[0] = known[random.Below(known.size())];
    for (uint8_t& byte : cdb) {
      if (&byte != &cdb[0] && random.Chance(60)) byte = 0;
    }
    CommandOptions options;
    options.lun = random.Below(3) << 48;
    options.room = random.Below(600);
    options.data_out.resize(*options.room, static_cast<uint8_t>(random.Next()));
    const Answer answer = bench.Do(nexus, cdb, options);
    EXPECT_FALSE(answer.aborted);
    EXPECT_EQ(answer.status == ScsiStatus::kCheckCondition, !answer.sense.empty());
    if (answer.direction == DataDirection::kIn) {
      EXPECT_LE(answer.data.size(), answer.transfer_bytes);
    }
  }
}

}  // namespace
}  // namespace pushpull::target
