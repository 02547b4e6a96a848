#include "target/scsi/commands/persistent_reserve_out.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/command_table.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/commands/reservation_change.h"
#include "target/scsi/commands/transport_id.h"
#include "target/scsi/nexus.h"
#include "target/scsi/reservations.h"
#include "target/scsi/task_abort.h"

namespace pushpull::target::commands {
namespace {

enum ServiceAction : uint8_t {
  kRegister = 0,
  kReserve = 1,
  kRelease = 2,
  kClear = 3,
  kPreempt = 4,
  kPreemptAndAbort = 5,
  kRegisterAndIgnoreExistingKey = 6,
  kRegisterAndMove = 7,
};

constexpr size_t kBasicListBytes = 24;
// Enough for TransportIDs of 32 ports; more is refused before it is asked for.
constexpr uint32_t kMaxListBytes = 8192;

uint32_t ListLength(const Task& task) { return base::LoadBe32(&task.cdb[5]); }

bool HasType(uint16_t action) {
  return action == kReserve || action == kRelease || action == kPreempt ||
         action == kPreemptAndAbort;
}

base::Result<void, Sense> CheckPersist(const LogicalUnit& unit, bool persist, uint16_t byte) {
  if (persist && !unit.reservations().can_persist()) return InvalidParameter(byte, 0);
  return {};
}

// SPEC_I_PT's list (SPC-4 §6.16.3, table 213), as nexuses with this target's port.
base::Result<std::vector<NexusId>, Sense> ParseOthers(const Task& task, base::Bytes list) {
  constexpr size_t kLengthAt = 24;
  constexpr size_t kBegin = 28;
  if (list.size() < kBegin) return sense::kParameterListLengthError;
  if (base::LoadBe32(&list[kLengthAt]) != list.size() - kBegin) {
    return sense::kParameterListLengthError;
  }
  std::vector<NexusId> others;
  for (size_t at = kBegin; at < list.size();) {
    PUSHPULL_TRY_ASSIGN(TransportId id, ParseTransportId(list, at));
    id.nexus.target_portal_group_tag = task.nexus->id().target_portal_group_tag;
    others.push_back(id.nexus);
    at += id.bytes;
  }
  return others;
}

base::Result<RegisterRequest, Sense> ParseRegister(const LogicalUnit& unit, const Task& task,
                                                   base::Bytes list) {
  constexpr uint16_t kFlags = 20;
  RegisterRequest request;
  request.key = base::LoadBe64(list.data());
  request.new_key = base::LoadBe64(&list[8]);
  request.ignore_existing_key = ServiceActionOf(task) == kRegisterAndIgnoreExistingKey;
  request.names_others = (list[kFlags] & 0x08) != 0;
  request.all_target_ports = (list[kFlags] & 0x04) != 0;
  request.persist = (list[kFlags] & 0x01) != 0;
  PUSHPULL_TRY(CheckPersist(unit, request.persist, kFlags));
  if (!request.names_others) return request;
  if (request.ignore_existing_key) return InvalidParameter(kFlags, 3);
  PUSHPULL_TRY_ASSIGN(request.others, ParseOthers(task, list));
  return request;
}

// SPC-4 §6.16.4.
base::Result<MoveRequest, Sense> ParseMove(const LogicalUnit& unit, const Task& task,
                                           base::Bytes list) {
  constexpr uint16_t kFlags = 17, kPort = 18, kLengthAt = 20;
  constexpr size_t kBegin = 24;
  const NexusId& from = task.nexus->id();
  MoveRequest request;
  request.key = base::LoadBe64(list.data());
  request.new_key = base::LoadBe64(&list[8]);
  request.unregister = (list[kFlags] & 0x02) != 0;
  request.persist = (list[kFlags] & 0x01) != 0;
  PUSHPULL_TRY(CheckPersist(unit, request.persist, kFlags));
  if (request.new_key == 0) return InvalidParameter(8);
  if (base::LoadBe16(&list[kPort]) != from.target_portal_group_tag) return InvalidParameter(kPort);
  if (base::LoadBe32(&list[kLengthAt]) != list.size() - kBegin) {
    return sense::kParameterListLengthError;
  }
  PUSHPULL_TRY_ASSIGN(const TransportId id, ParseTransportId(list, kBegin));
  if (kBegin + id.bytes != list.size()) return sense::kParameterListLengthError;
  request.to = id.nexus;
  request.to.target_portal_group_tag = from.target_portal_group_tag;
  if (request.to == from) return InvalidParameter(kBegin);
  return request;
}

// What has SPEC_I_PT, and REGISTER AND MOVE, have longer lists (SPC-4 §6.16.2).
base::Result<void, Sense> CheckListSize(const BugSet& bugs, const Task& task, base::Bytes list) {
  const uint16_t action = ServiceActionOf(task);
  if (list.size() < ListLength(task) || list.size() < kBasicListBytes) {
    return sense::kParameterListLengthError;
  }
  const bool registers = action == kRegister || action == kRegisterAndIgnoreExistingKey;
  const bool names_others = registers && (list[20] & 0x08) != 0;
  const bool longer =
      list.size() != kBasicListBytes && !bugs.Has(Bug::kScsiReservationListUnchecked);
  if (action != kRegisterAndMove && !names_others && longer) {
    return sense::kParameterListLengthError;
  }
  return {};
}

// A change that is carried out where it may wait for its being saved.
struct ChangeState : CommandState {
  std::vector<uint8_t> list;
  ReservationOutcome outcome;
  bool told = false;
};

ReservationOutcome CarryOut(LogicalUnit& unit, const Task& task, base::Bytes list) {
  Reservations& reservations = unit.reservations();
  const NexusId& from = task.nexus->id();
  const uint64_t key = base::LoadBe64(list.data());
  const uint64_t second_key = base::LoadBe64(&list[8]);
  const auto type = ReservationTypeFrom(task.cdb[2] & 0x0f);
  switch (ServiceActionOf(task)) {
    case kReserve:
      return reservations.Reserve(from, key, *type);
    case kRelease:
      return reservations.Release(from, key, *type);
    case kClear:
      return reservations.Clear(from, key);
    case kPreempt:
    case kPreemptAndAbort:
      return reservations.Preempt(from, key, second_key, *type);
    case kRegisterAndMove: {
      const auto request = ParseMove(unit, task, list);
      return request.ok() ? reservations.Move(from, *request)
                          : ReservationOutcome::Fault(request.error());
    }
    default: {
      const auto request = ParseRegister(unit, task, list);
      return request.ok() ? reservations.Register(from, *request)
                          : ReservationOutcome::Fault(request.error());
    }
  }
}

// The commands of who was preempted end before this one does (SPC-4 §5.12.11.5).
Step AbortTasksOf(LogicalUnit& unit, Task& task, const std::vector<NexusId>& preempted) {
  auto abort = std::make_shared<TaskAbort>(
      task.nexus->loop(), [&unit, &task] { unit.Continue(&task, absl::OkStatus()); });
  const auto covers = [&](const Task& other) {
    return &other != &task && std::ranges::find(preempted, other.nexus->id()) != preempted.end();
  };
  unit.AbortTasks(task.nexus, covers, abort, std::nullopt);
  abort->Release();
  return Step::Wait();
}

}  // namespace

Prepared PreparePersistentReserveOut(const LogicalUnit& /*unit*/, const Task& task) {
  if (HasType(ServiceActionOf(task))) {
    constexpr uint8_t kLogicalUnitScope = 0;
    if (task.cdb[2] >> 4 != kLogicalUnitScope) return InvalidField(2, 7);
    if (!ReservationTypeFrom(task.cdb[2] & 0x0f).has_value()) return InvalidField(2, 3);
  }
  if (ListLength(task) < kBasicListBytes) return sense::kParameterListLengthError;
  if (ListLength(task) > kMaxListBytes) return InvalidField(5);
  return DataOut(ListLength(task));
}

Step ExecutePersistentReserveOut(LogicalUnit& unit, Task& task) {
  auto owned = std::make_unique<ChangeState>();
  ChangeState& state = *owned;
  state.list = ParameterList(task);
  if (const auto size = CheckListSize(unit.device().bugs, task, state.list); !size.ok()) {
    return Step::Fail(size.error());
  }
  task.work.state = std::move(owned);
  // Whom it concerns is told even if the task is aborted meanwhile: it has been done.
  const auto change = [&unit, &task, &state] {
    state.outcome = CarryOut(unit, task, state.list);
    for (const auto& [nexus, sense] : state.outcome.attentions) unit.EstablishFor(nexus, sense);
  };
  return ChangeReservations(unit, task, change, ResumePersistentReserveOut);
}

Step ResumePersistentReserveOut(LogicalUnit& unit, Task& task, const absl::Status& /*always OK*/) {
  auto& state = static_cast<ChangeState&>(*task.work.state);
  if (std::exchange(state.told, true)) return Step::Good();
  const ReservationOutcome& outcome = state.outcome;
  if (outcome.conflict) return Step::End(ScsiStatus::kReservationConflict);
  if (outcome.fault.has_value()) return Step::Fail(*outcome.fault);
  if (ServiceActionOf(task) != kPreemptAndAbort || outcome.preempted.empty()) return Step::Good();
  if (unit.device().bugs.Has(Bug::kScsiPreemptAbortsNothing)) return Step::Good();
  return AbortTasksOf(unit, task, outcome.preempted);
}

}  // namespace pushpull::target::commands
