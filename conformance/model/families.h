// What each command does: one function a command, one file a family.

#ifndef CONFORMANCE_MODEL_FAMILIES_H_
#define CONFORMANCE_MODEL_FAMILIES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "conformance/model/turn.h"

namespace pushpull::conformance::model {

// blocks.cc: READ, WRITE, VERIFY and their like (SBC-3 §5)
void Read(Turn& turn);
void Write(Turn& turn);
void WriteAtomic(Turn& turn);
void OrWrite(Turn& turn);
void WriteAndVerify(Turn& turn);
void Verify(Turn& turn);
void CompareAndWrite(Turn& turn);
void NoTransfer(Turn& turn);  // PRE-FETCH, SYNCHRONIZE CACHE

// provisioning.cc (SBC-3 §4.7)
void WriteSame(Turn& turn);
void Unmap(Turn& turn);
void GetLbaStatus(Turn& turn);

// sanitize.cc (SBC-3 §4.11, §5.30)
void Sanitize(Turn& turn);

// copy.cc (SPC-4 §6.4, §6.18, §6.24)
void ExtendedCopy(Turn& turn);
void ReceiveCopyStatus(Turn& turn);
void ReceiveCopyParameters(Turn& turn);

// mode.cc (SPC-4 §6.9 to §6.12, §7.5)
void ModeSense(Turn& turn);
void ModeSelect(Turn& turn);

// persistent_in.cc, persistent_out.cc, reserve.cc (SPC-4 §5.12, §6.15, §6.16; SPC-2 §5.5)
void PersistentReserveIn(Turn& turn);
void PersistentReserveOut(Turn& turn);
void Reserve(Turn& turn);
void Release(Turn& turn);

// identity.cc (SPC-4 §6.6, §6.33, §7.8)
void Inquiry(Turn& turn);
void ReportLuns(Turn& turn);

// reports.cc
void ReadCapacity10(Turn& turn);
void ReadCapacity16(Turn& turn);
void ReadDefectData(Turn& turn);
void ReportOperationCodes(Turn& turn);
void ReportTaskManagement(Turn& turn);
void ReportPortGroups(Turn& turn);
void SetPortGroups(Turn& turn);

// condition.cc
void TestUnitReady(Turn& turn);
void RequestSense(Turn& turn);
void StartStop(Turn& turn);
void PreventAllow(Turn& turn);

// TransportIDs of iSCSI (SPC-4 §7.6.4.6). False: it is none; `bytes` is what it takes.
std::vector<uint8_t> TransportId(const Port& port);
bool ParseTransportId(const std::vector<uint8_t>& list, size_t at, Port* port, size_t* bytes);

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_FAMILIES_H_
