#include "conformance/runner/target_commands.h"

#include <atomic>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text_proto.h"
#include "fabric/sim_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::HasSubstr;

constexpr char kCase[] = "login/x#row";

class TargetCommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const info = testing::UnitTest::GetInstance()->current_test_info();
    auto folder = ResultFolder::Create(absl::StrCat(testing::TempDir(), "/", info->name()));
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_.emplace(*std::move(folder));
    commands_.target = "tcp://host/iqn";
  }
  std::string Output(const std::string& name) {
    const auto text =
        base::ReadTextFile(absl::StrCat(folder_->path(), "/", folder_->CasePath(kCase, name)));
    return text.ok() ? *text : text.status().ToString();
  }
  // What a hook came to; nothing: it isn't done yet.
  std::optional<absl::Status> Trigger(const v1::Trigger& trigger, bool wait) {
    CommandHooks hooks(commands_, kCase, &*folder_, world_.NewLoop(), wait);
    std::optional<absl::Status> done;
    hooks.hook()(trigger, [&done](absl::Status status) { done = std::move(status); });
    return done;
  }

  fabric::SimWorld world_{1};
  std::optional<ResultFolder> folder_;
  TargetCommands commands_;
};

TEST_F(TargetCommandsTest, NoCommandIsNone) {
  EXPECT_TRUE(RunCommand(commands_, "", "before", kCase, &*folder_).ok());
  EXPECT_THAT(Output("before.txt"), HasSubstr("NOT_FOUND"));
}

TEST_F(TargetCommandsTest, ACommandIsToldTheTargetAndTheCase) {
  const absl::Status status = RunCommand(commands_, "echo $PUSHPULL_TARGET; echo $PUSHPULL_CASE",
                                         "before", kCase, &*folder_);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Output("before.txt"), "tcp://host/iqn\nlogin/x#row\n");
}

TEST_F(TargetCommandsTest, ACommandThatFailsOrTakesTooLongIsAnError) {
  EXPECT_THAT(std::string(RunCommand(commands_, "exit 3", "x", kCase, nullptr).message()),
              HasSubstr("exit code 3"));
  commands_.limit = absl::Milliseconds(20);
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunCommand(commands_, "sleep 1000", "x", kCase, nullptr)));
  commands_.limit = absl::Hours(1);
  const std::atomic<bool> cancelled = true;
  commands_.cancelled = &cancelled;
  EXPECT_TRUE(absl::IsCancelled(RunCommand(commands_, "sleep 1000", "x", kCase, nullptr)));
}

TEST_F(TargetCommandsTest, TheLinkIsShapedAndReset) {
  const std::string script = absl::StrCat(testing::TempDir(), "/it's a link.sh");
  commands_.link = script;
  ASSERT_TRUE(RunCommand(commands_,
                         absl::StrCat("printf '#!/bin/sh\\necho \"$@\"\\n' > \"", script,
                                      "\"; chmod 755 \"", script, "\""),
                         "x", kCase, nullptr)
                  .ok());
  v1::Fabric fabric;
  fabric.set_loss_permille(1);
  fabric.set_delay_us(2);
  fabric.set_reorder_permille(3);
  fabric.set_duplicate_permille(4);
  fabric.set_mtu(5);
  absl::Status status = ShapeLink(commands_, fabric, kCase, &*folder_);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Output("link.txt"), "shape 1 2 3 4 5\n");
  status = ResetLink(commands_, kCase, &*folder_);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Output("link_reset.txt"), "reset\n");
}

v1::Trigger Drain() {
  v1::Trigger trigger;
  trigger.set_hook("drain");
  v1::Variable* const text = trigger.add_argument();
  text->set_name("How-FaZ9t");
  text->set_text("slowly");
  v1::Variable* const number = trigger.add_argument();
  number->set_name("lun");
  number->set_number(7);
  return trigger;
}

TEST_F(TargetCommandsTest, NoHooksAreNoHook) {
  CommandHooks hooks(commands_, kCase, nullptr, world_.NewLoop(), true);
  EXPECT_EQ(hooks.hook(), nullptr);
}

TEST_F(TargetCommandsTest, AHookIsToldItsArguments) {
  commands_.hooks["drain"] =
      "echo $PUSHPULL_HOOK $PUSHPULL_ARG_How_FaZ9t $PUSHPULL_ARG_lun $PUSHPULL_CASE";
  const auto done = Trigger(Drain(), /*wait=*/true);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->ok()) << *done;
  EXPECT_EQ(Output("hook_drain.txt"), "drain slowly 7 login/x#row\n");
}

TEST_F(TargetCommandsTest, AHookThatIsNotThereIsNotFound) {
  commands_.hooks["other"] = "true";
  const auto done = Trigger(Drain(), /*wait=*/true);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(absl::IsNotFound(*done)) << *done;
}

// Where time is real, the loop goes on meanwhile; the command ends with what it was started by.
TEST_F(TargetCommandsTest, AHookThatRunsIsEndedWithThePlay) {
  commands_.hooks["drain"] = "sleep 1000";
  commands_.limit = absl::Hours(1);
  EXPECT_EQ(Trigger(Drain(), /*wait=*/false), std::nullopt);
}

}  // namespace
}  // namespace pushpull::conformance
