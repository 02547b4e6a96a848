// The connection ends at any step of a session, each way that it can end: nothing is left of it, no
// key, slot, task or buffer. (The fixture looks.)

#include <algorithm>
#include <cstdint>
#include <memory>

#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

fabric::SimRdmaOptions Unsteady() {
  fabric::SimRdmaOptions options = fabric::SimRdmaOptions::Both(
      {.max_latency = absl::Microseconds(100), .max_read_delay = absl::Microseconds(100)});
  options.max_completion_delay = absl::Microseconds(50);
  options.random_batches = true;
  options.shuffle_completions = true;
  return options;
}

enum class Ending : uint8_t { kByInitiator, kBothEnds, kSilence, kDestroyed };
constexpr const char* kEndings[] = {"ByInitiator", "BothEnds", "Silence", "Destroyed"};

// A session with a bit of everything, up to an event.
class Scene final : public IserTest {
 public:
  Scene(uint64_t seed, uint64_t last_event) : IserTest(seed, Unsteady(), /*queue_depth=*/8) {
    last_event_ = last_event;
    may_be_refused_ = true;
  }
  void TestBody() override {}

  // False: it came to its end before.
  bool PlayAndEnd(Ending ending) {
    Play();
    const bool stopped = Stops();
    End(ending);
    return stopped;
  }

 private:
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

class IserDisconnectTest : public ::testing::TestWithParam<Ending> {};

TEST_P(IserDisconnectTest, AtEachStepNothingIsLeft) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    uint64_t step = 1;
    bool stopped = true;
    for (; stopped && step < 2000; step += seed) {
      Scene scene(seed, step);
      stopped = scene.PlayAndEnd(GetParam());
      ASSERT_FALSE(HasFailure()) << "step " << step << ", seed " << seed;
    }
    EXPECT_GT(step, 100u) << "the session is too short to be of use";
    EXPECT_LT(step, 2000u) << "the session never ends";
  }
}
INSTANTIATE_TEST_SUITE_P(Endings, IserDisconnectTest,
                         ::testing::Values(Ending::kByInitiator, Ending::kBothEnds,
                                           Ending::kSilence, Ending::kDestroyed),
                         [](const auto& info) {
                           return kEndings[static_cast<size_t>(info.param)];
                         });

}  // namespace
}  // namespace pushpull::target
