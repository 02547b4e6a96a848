// Connections and logins: the way into a session, and out of it.

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

TEST(SessionLoginTest, LogsInAndAnswersACommand) {
  Rig rig;
  Initiator a(&rig);
  const std::string text = a.Login();
  EXPECT_NE(text.find("TargetPortalGroupTag=1"), std::string::npos) << text;
  EXPECT_EQ(rig.Get(Count::kSessions), 1);
  EXPECT_EQ(rig.Get(Count::kLogins), 0);
  EXPECT_EQ(a.Run(TestUnitReady(a)).SenseCode(), "6/29/00");
  EXPECT_EQ(a.Run(TestUnitReady(a)).status, 0);
  const auto inquiry = a.Run(Inquiry(a));
  EXPECT_EQ(inquiry.status, 0);
  EXPECT_EQ(inquiry.data.size(), 36u);
}

}  // namespace
}  // namespace pushpull::target::testing
