#include "target/scsi/commands/persistent_reserve_in.h"

#include <algorithm>

#include "base/bytes.h"
#include "target/scsi/command_table.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/commands/transport_id.h"
#include "target/scsi/reservations.h"

namespace pushpull::target::commands {
namespace {

enum ServiceAction : uint8_t {
  kReadKeys = 0,
  kReadReservation = 1,
  kReportCapabilities = 2,
  kReadFullStatus = 3,
};

constexpr size_t kHeader = 8;
constexpr size_t kFullStatusHeader = 24;

uint16_t AllocationLength(const Task& task) { return base::LoadBe16(&task.cdb[7]); }

// SPC-4 §6.15.2.
void AddKeys(const ReservationState& state, ParameterData* data) {
  for (const Registration& registration : state.registrations) data->Add64(registration.key);
}

// SPC-4 §6.15.3. All units have LU_SCOPE, 0.
void AddReservation(const ReservationState& state, ParameterData* data) {
  if (!state.reservation.has_value()) return;
  const Registration* holder = state.Find(state.reservation->holder);
  data->Add64(holder == nullptr ? 0 : holder->key);  // 0 with All Registrants
  data->AddZeros(5);
  data->Add8(static_cast<uint8_t>(state.reservation->type));
  data->AddZeros(2);
}

// SPC-4 §6.15.5.
void AddFullStatus(const LogicalUnit& unit, const ReservationState& state, ParameterData* data) {
  for (const Registration& registration : state.registrations) {
    const bool holds = state.Holds(registration.nexus);
    data->Add64(registration.key);
    data->AddZeros(4);
    data->Add8(static_cast<uint8_t>((registration.all_target_ports ? 0x02 : 0) | (holds ? 1 : 0)));
    data->Add8(holds ? static_cast<uint8_t>(state.reservation->type) : 0);
    data->AddZeros(4);
    data->Add16(registration.nexus.target_portal_group_tag);  // the port's relative identifier
    ParameterData transport_id;
    NexusId named = registration.nexus;
    if (unit.device().bugs.Has(Bug::kTransportIdWithoutIsid)) named.isid = {};
    AddTransportId(named, &transport_id);
    data->Add32(static_cast<uint32_t>(transport_id.size()));
    data->Add(transport_id.bytes());
  }
}

// SPC-4 §6.15.4.
ParameterData Capabilities(const Reservations& reservations) {
  const ReservationState state = reservations.state();
  ParameterData data;
  data.Add16(8);
  // CRH, SIP_C, ATP_C, PTPL_C.
  data.Add8(static_cast<uint8_t>(0x10 | 0x08 | 0x04 | (reservations.can_persist() ? 0x01 : 0)));
  // TMV; ALLOW COMMANDS: TEST UNIT READY is never kept off; PTPL_A.
  data.Add8(static_cast<uint8_t>(0x80 | 0x10 | (state.persist ? 0x01 : 0)));
  data.Add16(0xea01);  // all six types
  data.Add16(0);
  return data;
}

}  // namespace

Prepared PreparePersistentReserveIn(const LogicalUnit& /*unit*/, const Task& task) {
  constexpr size_t kMost =
      kHeader + Reservations::kMaxRegistrations * (kFullStatusHeader + kMaxTransportIdBytes);
  return DataIn(AllocationLength(task), kMost);
}

Step ExecutePersistentReserveIn(LogicalUnit& unit, Task& task) {
  const uint16_t action = ServiceActionOf(task);
  if (action == kReportCapabilities) {
    return Reply(task, Capabilities(unit.reservations()).bytes(), AllocationLength(task));
  }
  const ReservationState state = unit.reservations().state();
  ParameterData data;
  data.Add32(state.generation);
  data.Add32(0);
  if (action == kReadKeys) AddKeys(state, &data);
  const BugSet& bugs = unit.device().bugs;
  const bool reports = !bugs.Has(Bug::kScsiReservationUnreported);
  if (action == kReadReservation && reports) AddReservation(state, &data);
  if (action == kReadFullStatus) AddFullStatus(unit, state, &data);
  const bool cut = action == kReadKeys && bugs.Has(Bug::kScsiKeyListCut);
  const size_t counted = cut ? std::min<size_t>(data.size(), AllocationLength(task)) : data.size();
  data.Set32(4, static_cast<uint32_t>(std::max(counted, kHeader) - kHeader));
  return Reply(task, data.bytes(), AllocationLength(task));
}

}  // namespace pushpull::target::commands
