#include "base/status.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

absl::Status Twice(const absl::Status& first, const absl::Status& second) {
  PUSHPULL_RETURN_IF_ERROR(first);
  PUSHPULL_RETURN_IF_ERROR(second);
  return absl::OkStatus();
}

TEST(StatusTest, ReturnIfErrorReturnsTheFirstError) {
  EXPECT_TRUE(Twice(absl::OkStatus(), absl::OkStatus()).ok());
  EXPECT_EQ(Twice(absl::OkStatus(), absl::InternalError("b")), absl::InternalError("b"));
  EXPECT_EQ(Twice(absl::NotFoundError("a"), absl::InternalError("b")), absl::NotFoundError("a"));
}

absl::StatusOr<int> Sum(absl::StatusOr<int> a, absl::StatusOr<int> b) {
  PUSHPULL_ASSIGN_OR_RETURN(int sum, a);
  PUSHPULL_ASSIGN_OR_RETURN(const int more, b);
  sum += more;
  PUSHPULL_ASSIGN_OR_RETURN(sum, absl::StatusOr<int>(sum));
  return sum;
}

TEST(StatusTest, AssignOrReturn) {
  EXPECT_EQ(*Sum(1, 2), 3);
  EXPECT_EQ(Sum(absl::NotFoundError("a"), 2).status(), absl::NotFoundError("a"));
  EXPECT_EQ(Sum(1, absl::NotFoundError("b")).status(), absl::NotFoundError("b"));
}

absl::StatusOr<std::map<int, std::string>> Table() { return std::map<int, std::string>{{1, "a"}}; }

TEST(StatusTest, AssignOrReturnTakesMoveOnlyValuesAndCommasInTheExpression) {
  const auto run = []() -> absl::Status {
    PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<int> moved,
                              absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(7)));
    PUSHPULL_ASSIGN_OR_RETURN(auto same, absl::StatusOr<std::pair<int, int>>(std::pair(1, 2)));
    PUSHPULL_ASSIGN_OR_RETURN(const auto table, Table());
    return *moved == 7 && same.second == 2 && table.size() == 1 ? absl::OkStatus()
                                                                : absl::InternalError("");
  };
  EXPECT_TRUE(run().ok());
}

}  // namespace
}  // namespace pushpull::base
