// A message that is shorter than an iSER header: the defect that reads it all the same is seen by
// AddressSanitizer, in a child process; the target without it ends the connection.

#include "base/poison.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

class ShortSend : public IserTest {
 public:
  explicit ShortSend(const BugSet& bugs = {}) : IserTest(1, {}, 16, bugs) {}
  void TestBody() override {}
  void Play() {
    LogIn();
    SendBytes(ByteVector(20, 0x1c));  // with both addresses, which the header has behind this
    EXPECT_TRUE(EndsSilently());
  }
};

TEST(IserMemoryDefectTest, AShortSendIsSeenToBeRead) {
  ShortSend().Play();
  if (!kBugsEnabled || !base::kSeesMemoryErrors) return;
  BugSet bugs;
  bugs.Add(Bug::kShortSendRead);
  EXPECT_DEATH(ShortSend(bugs).Play(), "ERROR: AddressSanitizer");
}

}  // namespace
}  // namespace pushpull::target
