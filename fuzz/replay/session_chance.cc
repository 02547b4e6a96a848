#include "fuzz/replay/session_chance.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
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
  std::map<std::string_view, const SessionEvent*> came;
  for (const SessionEvent& task : now->tasks) came[task.subject] = &task;
  bool raced = false;
  std::vector<SessionEvent> tasks;
  std::set<std::string_view> known;
  for (const SessionEvent& due : reference.tasks) {
    known.insert(due.subject);
    const auto found = came.find(due.subject);
    const bool both = found != came.end();
    const bool by_chance = both ? due.excused != found->second->excused : due.excused;
    raced |= by_chance;
    if (both || by_chance) tasks.push_back(by_chance ? due : *found->second);
  }
  for (const SessionEvent& task : now->tasks) {
    if (!known.contains(task.subject) && !task.excused) tasks.push_back(task);
  }
  for (size_t i = 0; raced && i < tasks.size() && i < reference.tasks.size(); ++i) {
    if (tasks[i].subject == reference.tasks[i].subject && IsTaskManagement(tasks[i])) {
      tasks[i] = reference.tasks[i];
    }
  }
  now->tasks = std::move(tasks);
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
