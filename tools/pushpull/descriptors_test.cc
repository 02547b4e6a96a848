#include "tools/pushpull/descriptors.h"

#include <sys/resource.h>

#include <string>

#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

class DescriptorsTest : public testing::Test {
 protected:
  DescriptorsTest() { getrlimit(RLIMIT_NOFILE, &before_); }
  ~DescriptorsTest() override { setrlimit(RLIMIT_NOFILE, &before_); }

  void Allow(rlim_t count) {
    const rlimit limit = {.rlim_cur = count, .rlim_max = before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

  rlimit before_ = {};
};

TEST_F(DescriptorsTest, AsManyAsAreAllowedWillDo) {
  Allow(100);
  EXPECT_TRUE(NeedDescriptors(100).ok());
  const absl::Status status = NeedDescriptors(101);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("ulimit -n 101"), std::string::npos) << status;
}

TEST_F(DescriptorsTest, RaisedToWhatMayBeHad) {
  Allow(100);
  RaiseDescriptorLimit();
  rlimit now = {};
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_EQ(now.rlim_cur, before_.rlim_max);
}

}  // namespace
}  // namespace pushpull::tools
