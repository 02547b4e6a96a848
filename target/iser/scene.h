// A session over iSER with a bit of everything, which can be ended at any of its events.

#ifndef TARGET_ISER_SCENE_H_
#define TARGET_ISER_SCENE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {

inline fabric::SimRdmaOptions Unsteady() {
  fabric::SimRdmaOptions options = fabric::SimRdmaOptions::Both(
      {.max_latency = absl::Microseconds(100), .max_read_delay = absl::Microseconds(100)});
  options.max_completion_delay = absl::Microseconds(50);
  options.random_batches = true;
  options.shuffle_completions = true;
  return options;
}

enum class Ending : uint8_t { kByInitiator, kBothEnds, kSilence, kDestroyed };

// A session with a bit of everything, up to an event.
class Scene final : public IserTest {
 public:
  Scene(uint64_t seed, uint64_t last_event, const BugSet& bugs = {})
      : IserTest(seed, Unsteady(), /*queue_depth=*/8, bugs) {
    last_event_ = last_event;
    may_be_refused_ = true;
  }
  void TestBody() override {}

  // False: it came to its end before.
  bool PlayAndEnd(Ending ending) {
    Play();
    const bool stopped = Stops();
    End(ending);
    LookWhileIdle();
    return stopped;
  }

 private:
  // The target lives, but its session has ended. (A peer that fell silent may not be missed yet.)
  void LookWhileIdle() {
    const Counters& counters = worker_->counters();
    if (counters.Get(Count::kConnections) != 0) return;
    EXPECT_EQ(counters.Get(Count::kSessions), 0);
    EXPECT_EQ(counters.Get(Count::kTasks), 0);
    EXPECT_EQ(counters.Get(Count::kBufferBytes), 0);
    EXPECT_EQ(rdma_.queue_pairs(kHost), 0u) << "with receives";
    // A slot that is held keeps the memory of all.
    EXPECT_EQ(rdma_.keys(kHost), store_memory_->regions() + worker_->buffers().idle_attachments());
  }

  void Play() {
    Connect(IserDialect::kLinux);
    if (Stops()) return;
    SendLogin();
    if (!Next().has_value()) return;
    ScsiCommand ready;
    ready.initiator_task_tag = 2;
    Send(ready);
    if (!Next().has_value()) return;
    // More in flight than one turn takes: reads and writes in place, all kinds of unsolicited data,
    // and data that goes through a buffer.
    Send(Command(0x28, 0, 1024), {}, {.read = Buffer(0)});
    Send(Command(0x2a, 64, 1024), {}, {.write = Buffer(0)});
    Send(Command(0x2a, 0, 64), Pattern(8192), {.write = Buffer(8192)});
    ScsiCommand unsolicited = Command(0x2a, 128, 32);
    unsolicited.final = false;
    Send(unsolicited, Pattern(4096));
    for (uint32_t offset = 4096; offset < 16384; offset += 4096) {
      DataOut out;
      out.initiator_task_tag = tag_;
      out.data_sn = offset / 4096 - 1;
      out.buffer_offset = offset;
      out.final = offset == 12288;
      Send(out, Pattern(4096));
    }
    ScsiCommand inquiry = Command(0x12, 0, 0);
    inquiry.read = true;
    inquiry.expected_data_transfer_length = 96;
    inquiry.cdb = {0x12, 0, 0, 0, 96};
    Send(inquiry, {}, {.read = Buffer(0)});
    ScsiCommand verify = Command(0x2f, 0, 16);
    verify.write = true;
    verify.cdb[1] = 0x02;  // BYTCHK
    Send(verify, {}, {.write = Buffer(0)});
    for (int i = 0; i < 6; ++i) {
      if (!Next().has_value()) return;
    }
    LogoutRequest logout;
    logout.initiator_task_tag = 9;
    Send(logout);
    if (Next().has_value()) EndsSilently();
  }
  void End(Ending ending) {
    last_event_ = UINT64_MAX;
    switch (ending) {
      case Ending::kByInitiator:
        if (connection_ != nullptr) connection_->Disconnect();
        break;
      case Ending::kBothEnds:
        if (rdma_.connections() > 0) rdma_.Disconnect(0);
        break;
      case Ending::kSilence:
        if (rdma_.connections() > 0) rdma_.DropLink(0);
        break;
      case Ending::kDestroyed:
        connection_.reset();
        break;
    }
    world_.RunFor(absl::Seconds(30));
  }
};

}  // namespace pushpull::target

#endif  // TARGET_ISER_SCENE_H_
