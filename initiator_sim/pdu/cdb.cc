#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

using Cdb = std::vector<uint8_t>;

// Writes values into a CDB and remembers the first that is too wide for its field.
class CdbWriter {
 public:
  CdbWriter(uint8_t operation_code, size_t size) : cdb_(size) { cdb_[0] = operation_code; }

  // `bits` (1 to 64) that end with bit `low_bit` of byte `byte`, counted from the least
  // significant.
  CdbWriter& Put(const char* name, size_t byte, int low_bit, int bits, uint64_t value) {
    if (bits < 64 && value >> bits != 0 && status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrFormat(
          "%s %d has no room in a CDB of %d bytes (%d bits)", name, value, cdb_.size(), bits));
    }
    for (int bit = 0; bit < bits; ++bit) {
      const size_t at = static_cast<size_t>(low_bit + bit);
      if ((value >> bit & 1) != 0) cdb_[byte - at / 8] |= static_cast<uint8_t>(1 << at % 8);
    }
    return *this;
  }
  // A whole number of bytes, of which `last` is the least significant.
  CdbWriter& Bytes(const char* name, size_t last, int count, uint64_t value) {
    return Put(name, last, 0, count * 8, value);
  }
  absl::StatusOr<Cdb> Take() {
    if (!status_.ok()) return status_;
    return std::move(cdb_);
  }

 private:
  Cdb cdb_;
  absl::Status status_;
};

absl::Status NoSuchSize(const char* command, uint32_t size) {
  return absl::InvalidArgumentError(absl::StrCat(command, " has no CDB of ", size, " bytes"));
}

// Operation codes by size 6, 10, 12, 16, and the service action of the CDB of 32 bytes; 0 where
// there is none of that size.
struct BlockCommand {
  const char* name;
  std::array<uint8_t, 5> operation_code;
  int length_bytes = 4;  // of the length field of the CDB of 16 bytes, which ends with byte 13
};
constexpr BlockCommand kRead = {"READ", {0x08, 0x28, 0xa8, 0x88, 0x09}};
constexpr BlockCommand kWrite = {"WRITE", {0x0a, 0x2a, 0xaa, 0x8a, 0x0b}};
constexpr BlockCommand kVerify = {"VERIFY", {0, 0x2f, 0xaf, 0x8f, 0x0a}};
constexpr BlockCommand kSynchronizeCache = {"SYNCHRONIZE CACHE", {0, 0x35, 0, 0x91, 0}};
constexpr BlockCommand kWriteAndVerify = {"WRITE AND VERIFY", {0, 0x2e, 0xae, 0x8e, 0x0c}};
constexpr BlockCommand kCompareAndWrite = {"COMPARE AND WRITE", {0, 0, 0, 0x89, 0}, 1};
constexpr BlockCommand kOrWrite = {"ORWRITE", {0, 0, 0, 0x8b, 0}};
constexpr BlockCommand kWriteSame = {"WRITE SAME", {0, 0x41, 0, 0x93, 0x0d}};
constexpr BlockCommand kWriteAtomic = {"WRITE ATOMIC", {0, 0, 0, 0x9c, 0}, 2};
constexpr BlockCommand kPreFetch = {"PRE-FETCH", {0, 0x34, 0, 0x90, 0}};
constexpr uint32_t kSizes[] = {6, 10, 12, 16, 32};

absl::StatusOr<Cdb> EncodeSix(const BlockCommand& command, CdbWriter cdb,
                              const v1::ReadWriteCdb& fields) {
  if (fields.dpo() || fields.fua() || fields.protect() != 0) {
    return absl::InvalidArgumentError(absl::StrCat(command.name, "(6) has no dpo, fua or protect"));
  }
  // 0 says 256 blocks (SBC-3 §5.8); so says `blocks: 256`.
  return cdb.Put("lba", 3, 0, 21, fields.lba())
      .Bytes("blocks", 4, 1, fields.blocks() == 256 ? 0 : fields.blocks())
      .Take();
}

absl::StatusOr<Cdb> Encode(const BlockCommand& command, const v1::ReadWriteCdb& fields) {
  const bool only_sixteen = command.operation_code[1] == 0;
  const uint32_t size = fields.size() != 0 ? fields.size() : only_sixteen ? 16 : 10;
  const auto* found = std::find(std::begin(kSizes), std::end(kSizes), size);
  const uint8_t code =
      found == std::end(kSizes) ? uint8_t{0} : command.operation_code[found - kSizes];
  if (code == 0) return NoSuchSize(command.name, size);

  CdbWriter cdb(size == 32 ? 0x7f : code, size);
  if (size == 6) return EncodeSix(command, std::move(cdb), fields);
  const size_t flags = size == 32 ? 10 : 1;
  cdb.Put("protect", flags, 5, 3, fields.protect())
      .Put("dpo", flags, 4, 1, fields.dpo())
      .Put("fua", flags, 3, 1, fields.fua())
      .Put("byte_check", flags, 1, 2, fields.byte_check())
      .Put("unmap", flags, 3, 1, fields.unmap())
      .Put("no_data_out", flags, 0, 1, fields.no_data_out())
      .Put("immediate", flags, 1, 1, fields.immediate());
  switch (size) {
    case 10:
      return cdb.Bytes("lba", 5, 4, fields.lba()).Bytes("blocks", 8, 2, fields.blocks()).Take();
    case 12:
      return cdb.Bytes("lba", 5, 4, fields.lba()).Bytes("blocks", 9, 4, fields.blocks()).Take();
    case 16:
      return cdb.Bytes("lba", 9, 8, fields.lba())
          .Bytes("blocks", 13, command.length_bytes, fields.blocks())
          .Take();
    default:  // of variable length (SPC-4 §4.2.3)
      return cdb.Bytes("additional length", 7, 1, 24)
          .Bytes("service action", 9, 2, code)
          .Bytes("lba", 19, 8, fields.lba())
          .Bytes("blocks", 31, 4, fields.blocks())
          .Take();
  }
}

uint32_t LengthOr(const v1::AllocationCdb& fields, uint32_t otherwise) {
  return fields.has_allocation_length() ? fields.allocation_length() : otherwise;
}

absl::StatusOr<Cdb> EncodeInquiry(const v1::InquiryCdb& fields) {
  return CdbWriter(0x12, 6)
      .Put("evpd", 1, 0, 1, fields.evpd())
      .Bytes("page_code", 2, 1, fields.page_code())
      .Bytes("allocation_length", 4, 2,
             fields.has_allocation_length() ? fields.allocation_length() : 255)
      .Take();
}

absl::StatusOr<Cdb> EncodeReadCapacity(const v1::AllocationCdb& fields) {
  switch (fields.size()) {
    case 0:
    case 10:
      return CdbWriter(0x25, 10).Take();
    case 16:
      return CdbWriter(0x9e, 16)
          .Put("service action", 1, 0, 5, 0x10)
          .Bytes("allocation_length", 13, 4, LengthOr(fields, 32))
          .Take();
    default:
      return NoSuchSize("READ CAPACITY", fields.size());
  }
}

absl::StatusOr<Cdb> EncodeReportLuns(const v1::AllocationCdb& fields) {
  // Room for 256 LUNs behind the header of eight bytes.
  return CdbWriter(0xa0, 12)
      .Bytes("select", 2, 1, fields.select())
      .Bytes("allocation_length", 9, 4, LengthOr(fields, 8 + 8 * 256))
      .Take();
}

absl::StatusOr<Cdb> EncodeRequestSense(const v1::AllocationCdb& fields) {
  return CdbWriter(0x03, 6)
      .Put("select", 1, 0, 1, fields.select())
      .Bytes("allocation_length", 4, 1, LengthOr(fields, 252))
      .Take();
}

absl::StatusOr<Cdb> EncodeModeSense(const v1::ModeSenseCdb& fields) {
  const uint32_t size = fields.size() == 0 ? 6 : fields.size();
  if (size != 6 && size != 10) return NoSuchSize("MODE SENSE", size);
  CdbWriter cdb(size == 6 ? 0x1a : 0x5a, size);
  const uint32_t length = fields.has_allocation_length() ? fields.allocation_length() : 255;
  return cdb.Put("dbd", 1, 3, 1, fields.dbd())
      .Put("page_control", 2, 6, 2, fields.page_control())
      .Put("page_code", 2, 0, 6, fields.page_code())
      .Bytes("subpage_code", 3, 1, fields.subpage_code())
      .Bytes("allocation_length", size == 6 ? 4 : 8, size == 6 ? 1 : 2, length)
      .Take();
}

}  // namespace

absl::StatusOr<std::vector<uint8_t>> EncodeCdb(const v1::Cdb& cdb) {
  switch (cdb.command_case()) {
    case v1::Cdb::kRaw:
      return Cdb(cdb.raw().begin(), cdb.raw().end());
    case v1::Cdb::kRead:
      return Encode(kRead, cdb.read());
    case v1::Cdb::kWrite:
      return Encode(kWrite, cdb.write());
    case v1::Cdb::kVerify:
      return Encode(kVerify, cdb.verify());
    case v1::Cdb::kSynchronizeCache:
      return Encode(kSynchronizeCache, cdb.synchronize_cache());
    case v1::Cdb::kInquiry:
      return EncodeInquiry(cdb.inquiry());
    case v1::Cdb::kReadCapacity:
      return EncodeReadCapacity(cdb.read_capacity());
    case v1::Cdb::kReportLuns:
      return EncodeReportLuns(cdb.report_luns());
    case v1::Cdb::kRequestSense:
      return EncodeRequestSense(cdb.request_sense());
    case v1::Cdb::kModeSense:
      return EncodeModeSense(cdb.mode_sense());
    case v1::Cdb::kTestUnitReady:
      return Cdb(6);
    case v1::Cdb::kWriteAndVerify:
      return Encode(kWriteAndVerify, cdb.write_and_verify());
    case v1::Cdb::kCompareAndWrite:
      return Encode(kCompareAndWrite, cdb.compare_and_write());
    case v1::Cdb::kOrWrite:
      return Encode(kOrWrite, cdb.or_write());
    case v1::Cdb::kWriteSame:
      return Encode(kWriteSame, cdb.write_same());
    case v1::Cdb::kWriteAtomic:
      return Encode(kWriteAtomic, cdb.write_atomic());
    case v1::Cdb::kPreFetch:
      return Encode(kPreFetch, cdb.pre_fetch());
    case v1::Cdb::COMMAND_NOT_SET:
      return Cdb();
  }
  return absl::InvalidArgumentError("this CDB has a form that isn't known");
}

std::vector<uint8_t> CdbOf(const v1::Pdu& pdu) {
  if (!pdu.has_scsi_command()) return {};
  absl::StatusOr<Cdb> encoded = EncodeCdb(pdu.scsi_command().cdb());
  if (!encoded.ok()) return {};
  Cdb cdb = *std::move(encoded);
  for (const v1::Ahs& ahs : pdu.ahs()) {
    if (ahs.ahs_type() != 1 || ahs.specific().empty() || cdb.size() > 16) continue;
    cdb.resize(16);
    cdb.insert(cdb.end(), ahs.specific().begin() + 1, ahs.specific().end());
  }
  return cdb;
}

}  // namespace pushpull::initiator_sim
