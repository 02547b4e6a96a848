// The order in which commands are carried out that are there at the same time. (SAM-5 §8)

#include <cstddef>
#include <vector>

#include "conformance/model/model.h"

namespace pushpull::conformance::model {
namespace {

constexpr uint8_t kOrdered = 2, kHeadOfQueue = 3;

struct Waiting {
  bool ready = false;
  bool done = false;
};

// Whether a command that has its data may be carried out: HEAD OF QUEUE always; the others when no
// HEAD OF QUEUE is there, ORDERED when nothing older is, SIMPLE when no older ORDERED is.
bool MayRun(const std::vector<Command>& commands, const std::vector<Waiting>& waiting, size_t at) {
  const uint8_t attribute = commands[at].attribute;
  if (attribute == kHeadOfQueue) return true;
  for (size_t i = 0; i < commands.size(); ++i) {
    if (i == at || waiting[i].done) continue;
    if (commands[i].attribute == kHeadOfQueue) return false;
    if (i < at && (attribute == kOrdered || commands[i].attribute == kOrdered)) return false;
  }
  return true;
}

}  // namespace

std::vector<Expected> Model::DoTogether(const std::vector<Command>& commands,
                                        const std::vector<size_t>& ready) {
  std::vector<Waiting> waiting(commands.size());
  std::vector<Expected> expected(commands.size());
  for (const size_t now : ready) {
    waiting[now].ready = true;
    for (size_t i = 0; i < commands.size(); ++i) {
      if (!waiting[i].ready || waiting[i].done || !MayRun(commands, waiting, i)) continue;
      expected[i] = Do(commands[i]);
      waiting[i].done = true;
      i = static_cast<size_t>(-1);  // from the oldest on, again
    }
  }
  return expected;
}

bool Model::IsCalm(size_t nexus, uint64_t lun) const {
  const Unit* unit = this->unit(lun);
  if (unit == nullptr || unit->stopped || unit->sanitizing || unit->IsProtected()) return false;
  const auto pending = unit->attentions.find(nexus);
  if (pending != unit->attentions.end() && !pending->second.empty()) return false;
  return unit->persistent.type == 0 && !unit->reserved_by.has_value();
}

}  // namespace pushpull::conformance::model
