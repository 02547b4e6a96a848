// What chance may change in a session, and what it may not.

#include "fuzz/replay/session_chance.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

SessionEvent Event(const std::string& kind, const std::string& subject, const std::string& text,
                   bool excused) {
  SessionEvent event{.event = {}, .subject = subject, .excused = excused};
  event.event.mutable_other()->set_kind(kind);
  event.event.mutable_other()->set_text(text);
  return event;
}

// Words: "A=answer" (a task with its answer), "A-" (none), "A~" (none, and may have none),
// "c1:ended", "c1:reject", "c1:async" (of a connection that ended: "c1!reject").
SessionEvents Events(const std::string& words) {
  SessionEvents events;
  for (const absl::string_view word : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
    const std::string text(word);
    if (const size_t at = text.find_first_of(":!"); at != std::string::npos) {
      const std::string kind = text.substr(at + 1);
      events.others.push_back(
          Event(kind, text.substr(0, at), text, text[at] == '!' || kind == "ended"));
      continue;
    }
    const size_t at = text.find_first_of("=-~");
    CHECK_NE(at, std::string::npos) << "no word of a session's events: " << text;
    events.tasks.push_back(Event("task", text.substr(0, at), text, text[at] == '~'));
  }
  return events;
}

TEST(SessionChanceTest, WhatChanceDecidesIsNoDifference) {
  const struct {
    std::string why, one, other;
    bool same;
  } kCases[] = {
      {"nothing differs", "A=1 B=2", "A=1 B=2", true},
      {"another answer", "A=1 B=2", "A=1 B=3", false},
      {"an answer that is missing", "A=1 B=2", "A=1 B-", false},
      {"a task more", "A=1", "A=1 B=2", false},
      {"a request that the end cut short", "A=1 c1:ended", "A=1 B~ c1:ended", true},
      {"a request that nothing cut short", "A=1 c1:ended", "A=1 B- c1:ended", false},
      {"an answer that the end may have taken", "A=1 B=2 c1:ended", "A=1 B~ c1:ended", true},
      {"another answer is one even so", "A=1 B~ c1:ended", "A=2 B=1 c1:ended", false},
      {"ended in one only", "A=1 B=2", "A=1 B~ c1:ended", false},
      {"a Reject before the end", "c1!reject c1:ended", "c1:ended", true},
      {"a Reject, and the end of another", "c1:reject c2:ended", "c2:ended", false},
      {"a Reject without an end", "c1:reject", "", false},
  };
  for (const auto& one : kCases) {
    SCOPED_TRACE(one.why);
    for (const bool swap : {false, true}) {
      const SessionEvents reference = Events(swap ? one.other : one.one);
      const SessionEvents now = Events(swap ? one.one : one.other);
      const std::string due = WithoutChance(reference, reference).Log().ShortDebugString();
      EXPECT_EQ(WithoutChance(reference, now).Log().ShortDebugString() == due, one.same);
    }
  }
}

// Whether it still found the task follows from who was first.
TEST(SessionChanceTest, TaskManagementAnswersFollowTheRace) {
  SessionEvents done, aborted;
  const std::string abort = "c1 task 2: Task Management Request";
  done.tasks = {Event("task", "A", "A=1", false), Event("task", abort, "no such task", false)};
  aborted.tasks = {Event("task", "A", "A~", true), Event("task", abort, "complete", false)};
  EXPECT_EQ(WithoutChance(done, aborted).Log().ShortDebugString(), done.Log().ShortDebugString());
  aborted.tasks[0].excused = false;
  EXPECT_NE(WithoutChance(done, aborted).Log().ShortDebugString(), done.Log().ShortDebugString());
}

}  // namespace
}  // namespace pushpull::replay
