// A connection takes the place of one whose session lives on another loop (RFC 7143 §6.3.4): it
// goes there, and is ended there at any step with nothing left. (The fixture looks.)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"
#include "target/iser/scene.h"

namespace pushpull::target {
namespace {

class MovedConnection : public IserTest {
 public:
  explicit MovedConnection(uint64_t seed, uint64_t last_event)
      : IserTest(seed, Unsteady(), /*queue_depth=*/8, {}, /*workers=*/2) {
    last_event_ = last_event;
    may_be_refused_ = true;
  }
  ~MovedConnection() override { former_.reset(); }
  void TestBody() override {}

  // False: the world stopped before it was done.
  bool Reinstate() {
    Connect(IserDialect::kLinux);
    if (Stops()) return false;
    const auto first = LogInAs(/*tsih=*/0);
    if (!first.has_value()) return false;
    // Its host forgets it without a word, and comes back.
    rdma_.DropLink(0);
    former_ = std::move(connection_);
    Connect(IserDialect::kLinux);
    if (Stops()) return false;
    const auto second = LogInAs(first->tsih);
    if (!second.has_value()) return false;
    EXPECT_EQ(second->tsih, first->tsih);
    ScsiCommand ready;  // takes the unit attention condition
    ready.initiator_task_tag = 2;
    Send(ready);
    return Next().has_value();
  }
  void ReadAndWrite() {
    const ByteVector data = Pattern(300 * 512);
    std::ranges::copy(data, At(0));
    Send(Command(0x2a, 8, 300), {}, {.write = Buffer(0)});
    ASSERT_NO_FATAL_FAILURE(ExpectGood());
    std::fill(At(0), At(data.size()), 0);
    Send(Command(0x28, 8, 300), {}, {.read = Buffer(0)});
    ASSERT_NO_FATAL_FAILURE(ExpectGood());
    EXPECT_TRUE(std::equal(data.begin(), data.end(), At(0)));
    EXPECT_TRUE(GuardsAreWhole());
  }
  int64_t connections(size_t worker) {
    return rig_->worker(worker).counters().Get(Count::kConnections);
  }
  void Disconnect() {
    if (connection_ != nullptr) connection_->Disconnect();
    last_event_ = UINT64_MAX;
    world_.RunFor(absl::Seconds(30));
  }

 private:
  std::optional<LoginResponse> LogInAs(uint16_t tsih) {
    SendLogin({}, /*header=*/true, tsih);
    const auto got = Next();
    if (!got.has_value()) return std::nullopt;
    const Bhs bhs = got->bhs();
    const LoginResponse response = LoginResponse::Decode(BhsView(bhs));
    EXPECT_EQ(response.status_class, 0) << int{response.status_detail};
    return response;
  }

  std::unique_ptr<fabric::RdmaConnection> former_;
};

TEST(IserMoveTest, GoesToItsSession) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    MovedConnection moved(seed, UINT64_MAX);
    ASSERT_TRUE(moved.Reinstate()) << "seed " << seed;
    moved.ReadAndWrite();
    EXPECT_EQ(moved.connections(0), 1);
    EXPECT_EQ(moved.connections(1), 0);
  }
}

// The target is shut down, or the connection ends, at each step.
TEST(IserMoveTest, EndsAtEachStep) {
  for (const bool disconnect : {false, true}) {
    uint64_t step = 1;
    for (bool stopped = true; stopped && step < 1000; ++step) {
      MovedConnection moved(/*seed=*/step % 5, step);
      stopped = !moved.Reinstate();
      if (disconnect) moved.Disconnect();
      ASSERT_FALSE(HasFailure()) << "step " << step;
    }
    EXPECT_GT(step, 30u) << "too short to be of use";
    EXPECT_LT(step, 1000u) << "it never ends";
  }
}

}  // namespace
}  // namespace pushpull::target
