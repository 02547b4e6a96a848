// Rows of defects: what shows each of them, and what shows that it isn't there.

#ifndef PUSHPULL_TARGET_SESSION_TESTING_DEFECTS_H_
#define PUSHPULL_TARGET_SESSION_TESTING_DEFECTS_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {

using Code = TaskManagementResponseCode;
using Function = TaskManagementFunction;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// A target that may have the defect, and an initiator that is logged in.
class Ground {
 public:
  explicit Ground(std::optional<Bug> bug, uint32_t depth = 128, Pairs keys = {}) {
    RigOptions options;
    if (bug.has_value()) options.bugs.push_back(*bug);
    options.node.queue_depth = depth;
    rig = std::make_unique<Rig>(options);
    a = std::make_unique<Initiator>(rig.get());
    a->Login({std::move(keys)});
    a->ClearUnitAttentions();
  }

  // What comes within a while: opcodes and tags are looked at.
  std::optional<Received> Next() { return a->Next(absl::Milliseconds(200)); }
  bool Silent() { return a->Silent(absl::Milliseconds(200)); }
  NopOut Ping() { return NopOut{.immediate = true, .initiator_task_tag = a->NextTag()}; }
  // The status of a command, or nothing.
  std::optional<int> Status(const ScsiCommand& command) {
    while (auto pdu = Next()) {
      const BhsView bhs(pdu->bhs);
      if (bhs.initiator_task_tag() != command.initiator_task_tag) continue;
      if (pdu->opcode() == Opcode::kScsiResponse) return ScsiResponse::Decode(bhs).status;
      if (pdu->opcode() == Opcode::kDataIn && DataIn::Decode(bhs).status_present) {
        return DataIn::Decode(bhs).status;
      }
    }
    return std::nullopt;
  }
  R2t StartWrite(uint16_t blocks = 16, uint64_t lun = 0) {
    write = Write10(*a, 0, blocks, lun);
    a->Send(write);
    return a->ExpectR2t();
  }
  DataOut Answer(const R2t& r2t) {
    DataOut out;
    out.lun = r2t.lun;
    out.initiator_task_tag = r2t.initiator_task_tag;
    out.target_transfer_tag = r2t.target_transfer_tag;
    out.buffer_offset = r2t.buffer_offset;
    return out;
  }
  std::unique_ptr<Initiator> Other() {
    auto other = std::make_unique<Initiator>(rig.get(), "iqn.2026-11.org.pushpull:other");
    other->Login();
    other->ClearUnitAttentions();
    return other;
  }
  Code TmfResult(const TaskManagementRequest& request) {
    a->Send(request);
    while (auto pdu = Next()) {
      if (pdu->opcode() == Opcode::kTaskManagementResponse) {
        return TaskManagementResponse::Decode(BhsView(pdu->bhs)).response;
      }
    }
    return static_cast<Code>(0xee);  // none
  }

  std::unique_ptr<Rig> rig;
  std::unique_ptr<Initiator> a;
  ScsiCommand write;
};

// Whether the wrong thing was seen.
using Check = std::function<bool(std::optional<Bug>)>;

struct Row {
  Bug bug;
  Check check;
};

inline void CheckAll(std::span<const Row> rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(BugName(row.bug));
    EXPECT_FALSE(row.check(std::nullopt)) << "seen without the defect";
    if (kBugsEnabled) {
      EXPECT_TRUE(row.check(row.bug)) << "not seen with the defect";
    }
  }
}

}  // namespace pushpull::target::testing

#endif  // PUSHPULL_TARGET_SESSION_TESTING_DEFECTS_H_
