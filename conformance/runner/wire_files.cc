#include "conformance/runner/wire_files.h"

#include "base/status.h"
#include "conformance/tap/pcapng.h"
#include "conformance/tap/wire_record.h"

namespace pushpull::conformance {
namespace {

constexpr size_t kRecordedBytes = 1024;  // of a PDU, in wire.json

}  // namespace

absl::Status WriteWire(const ResultFolder& folder, const std::string& case_id, const WireLog& log,
                       const std::vector<v1::Violation>& violations) {
  PacketNumbers packets;
  PUSHPULL_RETURN_IF_ERROR(folder.Write(
      folder.CasePath(case_id, "wire.pcapng"),
      ToPcapng(log, {.violations = violations, .comment = case_id, .packets = &packets})));
  PUSHPULL_RETURN_IF_ERROR(
      folder.Write(folder.CasePath(case_id, "wire.txt"),
                   ToText(log, {.full = true, .violations = violations, .packets = &packets})));
  PUSHPULL_ASSIGN_OR_RETURN(const std::string record,
                            ToJson(ToRecord(log, kRecordedBytes, &packets)));
  return folder.Write(folder.CasePath(case_id, "wire.json"), record);
}

}  // namespace pushpull::conformance
