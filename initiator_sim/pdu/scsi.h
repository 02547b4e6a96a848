// What an initiator knows of SCSI: LUNs, command descriptor blocks, sense data. (SAM-4, SPC-4,
// SBC-3)

#ifndef INITIATOR_SIM_PDU_SCSI_H_
#define INITIATOR_SIM_PDU_SCSI_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scsi.pb.h"

namespace pushpull::initiator_sim {

// The eight bytes of a LUN (as one big-endian number): peripheral below 256, flat below 16384,
// extended flat below 2^24. Fails above. (SAM-4 §4.6)
absl::StatusOr<uint64_t> EncodeLun(uint64_t lun);
// The number of a single-level LUN in one of these codings; nullopt for any other.
std::optional<uint64_t> DecodeLun(uint64_t lun_bytes);

// The bytes of a command, as long as the command is (6, 10, 12, 16, or what `raw` has).
absl::StatusOr<std::vector<uint8_t>> EncodeCdb(const v1::Cdb& cdb);

// All bytes of the command of `pdu`: the 16 of the header and those of an extended-CDB AHS.
// Empty where it is no SCSI Command, or its CDB can't be encoded.
std::vector<uint8_t> CdbOf(const v1::Pdu& pdu);

// "READ(10) LBA 0x20 blocks 8", "INQUIRY page 0x83 length 255", "operation code 0xc1".
std::string DescribeCdb(base::Bytes cdb);

// How much a command moves by its own fields, in bytes.
struct CdbTransfer {
  enum class Direction : uint8_t { kNone, kRead, kWrite };
  Direction direction = Direction::kNone;
  uint64_t bytes = 0;
};
// `block_length` in bytes, for commands that count blocks. kNone for commands that aren't known.
CdbTransfer TransferOf(base::Bytes cdb, uint32_t block_length);

// Sense data without the two bytes of SenseLength: `raw` as it is, else fixed format (18 bytes), or
// descriptor format where response_code is 0x72 or 0x73, or the information needs 64 bits.
std::string EncodeSense(const v1::SenseData& sense);
// Fixed or descriptor format; every field that is there, and `raw`. nullopt: neither.
std::optional<v1::SenseData> ParseSense(base::Bytes sense);
// Of the data segment of a SCSI Response (RFC 7143 §11.4.7): sense after its SenseLength. nullopt:
// there is none, or SenseLength says more than there is.
std::optional<v1::SenseData> SenseOf(const v1::Pdu& pdu);

// "ILLEGAL_REQUEST 24h/00h".
std::string DescribeSense(const v1::SenseData& sense);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_SCSI_H_
