#include "fuzz/replay/session_chance.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pushpull::replay {
namespace {

// Connections that the target ended.
std::set<std::string> Ended(const SessionEvents& events) {
  std::set<std::string> ended;
  for (const SessionEvent& one : events.others) {
    if (one.event.other().kind() == "ended") ended.insert(one.subject);
  }
  return ended;
}

bool IsTaskManagement(const SessionEvent& task) {
  return task.subject.find(": Task Management") != std::string::npos;
}

void Tasks(const SessionEvents& reference, SessionEvents* now) {
  bool raced = false;
  const size_t count = std::min(reference.tasks.size(), now->tasks.size());
  for (size_t i = 0; i < count; ++i) {
    const SessionEvent& due = reference.tasks[i];
    SessionEvent& task = now->tasks[i];
    if (due.subject != task.subject) return;  // another course altogether
    if (due.excused != task.excused) {
      raced = true;
      task = due;
    }
  }
  for (size_t i = 0; raced && i < count; ++i) {
    if (IsTaskManagement(now->tasks[i])) now->tasks[i] = reference.tasks[i];
  }
}

void Others(const SessionEvents& reference, SessionEvents* now) {
  const std::set<std::string> before = Ended(reference), after = Ended(*now);
  std::set<std::string> both;
  std::set_intersection(before.begin(), before.end(), after.begin(), after.end(),
                        std::inserter(both, both.end()));
  std::vector<SessionEvent> others;
  // In the order of connections, as they were.
  const auto take = [&](const std::vector<SessionEvent>& from, bool ended) {
    for (const SessionEvent& one : from) {
      if (both.contains(one.subject) == ended) others.push_back(one);
    }
  };
  take(reference.others, true);
  take(now->others, false);
  now->others = std::move(others);
}

}  // namespace

SessionEvents WithoutChance(const SessionEvents& reference, SessionEvents now) {
  Tasks(reference, &now);
  Others(reference, &now);
  return now;
}

}  // namespace pushpull::replay
