// A run that plays several cases at a time: who is played alone, and whose doing it was when the
// target dies.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/run.h"
#include "conformance/runner/scripted_target.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kPasses[] = "step { login {} } step { command { cdb { test_unit_ready {} } } }";
constexpr char kFails[] =
    "step { login {} } step { command { cdb { test_unit_ready {} } status: BUSY } }";
// What is played before the first case, and after one that fails.
constexpr char kSanity[] = R"(step { login {} }
  step { send { task: "p" pdu { nop_out {} immediate: true data { raw: "sane" } } } }
  step { expect { task: "p" one_of { pdu { nop_in {} } } } })";

class RunJobsTest : public testing::Test {
 protected:
  RunOutcome Play(const std::vector<Case>& cases) {
    return RunSuites(&targets_, sanity_, cases, options_);
  }
  static std::vector<std::string> Told(const RunOutcome& outcome) {
    std::vector<std::string> told;
    for (const v1::CaseResult& result : outcome.result.result()) {
      told.push_back(absl::StrCat(result.id(), " ", VerdictName(result).data()));
    }
    return told;
  }

  const Case sanity_ = CaseOf("sanity/alive", kSanity);
  ScriptedTargets targets_;
  RunOptions options_;
};

// Two at a time that came by one ISID would end each other's sessions.
TEST_F(RunJobsTest, WorkersAreDifferentPorts) {
  std::set<std::string> isids;
  std::mutex mutex;
  std::condition_variable both;
  int waiting = 0;
  std::atomic<bool> cases = false;
  targets_.received = [&](const v1::Pdu& pdu) {
    if (pdu.data().raw() == "sane") cases = true;
    if (cases && pdu.has_login_request()) isids.insert(pdu.login_request().isid());
  };
  targets_.script = [&](uint64_t seed) {
    // Neither case goes on before both have begun.
    std::unique_lock lock(mutex);
    if (cases && seed == 5 && waiting < 2) {
      ++waiting;
      both.notify_all();
      both.wait(lock, [&] { return waiting >= 2; });
    }
    return std::string(kServes);
  };
  options_.jobs = 2;
  options_.seed = 5;
  const RunOutcome outcome = Play({CaseOf("a/one", kPasses), CaseOf("a/two", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one PASS", "a/two PASS"));
  EXPECT_THAT(isids, SizeIs(2));
}

// Cases that change what others look at: nothing else is played meanwhile.
TEST_F(RunJobsTest, WhatDisturbsOthersIsPlayedAlone) {
  const std::string kAsked = "step { login {} } step { send { task: \"t\" pdu { ";
  const std::pair<const char*, std::string> kKinds[] = {
      {"writes", absl::StrCat("needs { writes: true }", kPasses)},
      {"trigger", "step { login {} } step { trigger { hook: \"h\" } }"},
      {"task management", absl::StrCat(kAsked, R"(
         task_management_request { function: LOGICAL_UNIT_RESET } } } }
         step { expect { task: "t" one_of { pdu { task_management_response {} } } } })")},
      {"a CDB without a name, sent", absl::StrCat(kAsked, R"(
         scsi_command { cdb { raw: "\0\0\0\0\0\0" } } } } }
         step { expect { task: "t" one_of { pdu { scsi_response {} } } } })")},
      {"a CDB without a name",
       "step { login {} } step { command { cdb { raw: \"\\0\\0\\0\\0\\0\\0\" } } }"},
      {"a CDB without a name, on many connections",
       "step { connections { count: 1 login {} command { cdb { raw: \"\\0\\0\\0\\0\\0\\0\" } } } "
       "}"},
      {"an ISID of its own", "step { login { isid: \"\\x80\\x12\\x34\\x56\\x00\\x52\" } }"},
  };
  targets_.own_hook = [](const v1::Trigger&, initiator_sim::HookDone done) {
    done(absl::OkStatus());
  };
  options_.allow_writes = true;
  options_.jobs = 4;
  for (const auto& [kind, text] : kKinds) {
    SCOPED_TRACE(kind);
    std::mutex mutex;
    std::condition_variable another;
    bool begun = false;
    int under_way = 0, most = 0;
    targets_.received = [&](const v1::Pdu& pdu) {
      const std::lock_guard lock(mutex);
      // What looks at the target before that doesn't log out.
      if (!begun && pdu.data().raw() == "sane") {
        begun = true;
        under_way = 1;
      }
      under_way -= pdu.has_logout_request();
    };
    targets_.script = [&](uint64_t) {
      std::unique_lock lock(mutex);
      if (!begun) return kServes;
      most = std::max(most, ++under_way);
      another.notify_all();
      // Nobody may come.
      another.wait_for(lock, std::chrono::milliseconds(10), [&] { return under_way > 1; });
      return kServes;
    };
    std::vector<Case> cases;
    for (int i = 0; i < 4; ++i) cases.push_back(CaseOf(absl::StrCat("a/", i), text));
    const RunOutcome outcome = Play(cases);
    EXPECT_EQ(outcome.result.totals().by_verdict().at("PASS"), cases.size());
    EXPECT_EQ(most, 1);
  }
}

// Two cases side by side: neither goes on before both have begun, and each finds that the target is
// gone.
class SideBySideTest : public RunJobsTest {
 protected:
  SideBySideTest() {
    options_.jobs = 2;
    targets_.received = [this](const v1::Pdu& pdu) {
      const std::lock_guard lock(mutex_);
      begun_ = begun_ || pdu.data().raw() == "sane";
      if (pdu.data().raw() != "die" || deaths_left_ == 0) return;
      --deaths_left_;
      dead_ = true;
      changed_.notify_all();
    };
    targets_.script = [this](uint64_t) { return Target(); };
  }

  void WithRestart() { options_.commands.restart = absl::StrCat("touch ", power_); }

  // What the target dies of. It answers all the same, and the case fails.
  static constexpr char kPokes[] = R"(step { login {} }
    step { send { task: "k" pdu { nop_out {} immediate: true data { raw: "die" } } } }
    step { expect { task: "k" one_of { closed: true } } })";

  int deaths_left_ = 100;

 private:
  std::string Target() {
    std::unique_lock lock(mutex_);
    if (!begun_) return kServes;
    const int call = calls_++;
    if (call < 2) {
      changed_.notify_all();
      changed_.wait(lock, [this] { return calls_ >= 2; });
      return kServes;
    }
    // The look of each at what it left.
    if (call < 4) changed_.wait(lock, [this] { return dead_; });
    if (call >= 4 && unlink(power_.c_str()) == 0) dead_ = false;
    return dead_ ? kHangsUp : kServes;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  int calls_ = 0;  // since
  bool dead_ = false;
  // A file that brings it back to life.
  const std::string power_ = absl::StrCat(testing::TempDir(), "/power");
};

TEST_F(SideBySideTest, WhoseEndItWasShowsWhenEachIsPlayedAlone) {
  WithRestart();
  const RunOutcome outcome = Play({CaseOf("a/fails", kFails), CaseOf("a/pokes", kPokes)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/fails FAIL", "a/pokes FAIL"));
  EXPECT_THAT(outcome.result.result(0).failure().message(), Not(HasSubstr("no longer answers")));
  EXPECT_THAT(outcome.result.result(1).failure().message(),
              HasSubstr("after it the target no longer answers, and was restarted"));
  EXPECT_THAT(outcome.result.warning(), IsEmpty()) << "it is explained";
}

TEST_F(SideBySideTest, AnEndThatNeitherBringsAboutAloneIsWarnedOf) {
  WithRestart();
  deaths_left_ = 1;
  const RunOutcome outcome = Play({CaseOf("a/fails", kFails), CaseOf("a/pokes", kPokes)});
  for (const v1::CaseResult& result : outcome.result.result()) {
    EXPECT_EQ(result.verdict(), v1::FAIL) << result.id();
    EXPECT_THAT(result.failure().message(), Not(HasSubstr("no longer answers")));
  }
  EXPECT_THAT(outcome.result.warning(),
              ElementsAre("the target no longer answered after one of a/fails, a/pokes, played "
                          "side by side, and none of them brings that about when it is played "
                          "alone"));
}

TEST_F(SideBySideTest, WithoutARestartEachIsACandidate) {
  const RunOutcome outcome =
      Play({CaseOf("a/fails", kFails), CaseOf("a/pokes", kPokes), CaseOf("a/third", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/fails FAIL", "a/pokes FAIL", "a/third ERROR"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(outcome.result.result(i).failure().message(),
                HasSubstr("; the target no longer answers: one of a/fails, a/pokes, which were "
                          "played side by side, was the end of it"));
  }
  EXPECT_EQ(outcome.result.result(2).failure().message(),
            "not played: the target no longer answers since one of a/fails, a/pokes");
  ASSERT_THAT(outcome.result.warning(), SizeIs(1));
  EXPECT_THAT(outcome.result.warning(0),
              testing::AllOf(HasSubstr("after one of a/fails, a/pokes: what came later"),
                             HasSubstr("the run finds out which it was and goes on"),
                             HasSubstr("; --jobs 1 shows which it was")));
}

}  // namespace
}  // namespace pushpull::conformance
