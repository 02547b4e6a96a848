#include "fuzz/blackbox/confine.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace pushpull::fuzz {
namespace {

constexpr uint8_t kScsiCommand = 0x01;  // opcode (RFC 7143 §11.3)
constexpr uint8_t kOpcodeMask = 0x3f;
constexpr size_t kCdbAt = 32;  // in the header
constexpr size_t kCdbEnd = 48;
constexpr size_t kLunAt = 8;
constexpr size_t kLunEnd = 16;
constexpr uint32_t kBlocksOfAWrite = 8;
constexpr uint32_t kBlocksOfARead = 256;

// Commands that change nothing, by operation code (SPC-4, SBC-3).
constexpr std::array<uint8_t, 21> kReadOnly = {
    0x00, 0x03, 0x08, 0x12, 0x1a, 0x25, 0x28, 0x2f, 0x34, 0x35, 0x4d,
    0x5a, 0x5e, 0x88, 0x8f, 0x91, 0x9e, 0xa0, 0xa3, 0xa8, 0xaf,
};

bool IsReadOnly(std::string_view cdb) {
  const uint8_t code = cdb.empty() ? 0 : static_cast<uint8_t>(cdb[0]);
  return std::find(kReadOnly.begin(), kReadOnly.end(), code) != kReadOnly.end();
}

bool IsWrite(const v1::Cdb& cdb) { return cdb.has_write(); }

// False: it may not be sent.
bool ConfineCdb(bool allow_writes, v1::Cdb* cdb) {
  switch (cdb->command_case()) {
    case v1::Cdb::kRaw:
      return IsReadOnly(cdb->raw());
    case v1::Cdb::COMMAND_NOT_SET:
    case v1::Cdb::kRead:
    case v1::Cdb::kWrite:
    case v1::Cdb::kVerify:
    case v1::Cdb::kSynchronizeCache:
    case v1::Cdb::kPreFetch:
    case v1::Cdb::kInquiry:
    case v1::Cdb::kReadCapacity:
    case v1::Cdb::kReportLuns:
    case v1::Cdb::kRequestSense:
    case v1::Cdb::kModeSense:
    case v1::Cdb::kTestUnitReady:
      break;
    default:
      // The other ways to write, and whatever is added one day.
      return false;
  }
  if (cdb->has_read() && cdb->read().blocks() > kBlocksOfARead) {
    cdb->mutable_read()->set_blocks(kBlocksOfARead);
  }
  if (!IsWrite(*cdb)) return true;
  v1::ReadWriteCdb* const write = cdb->mutable_write();
  if (write->lba() > kWrittenBlocks - kBlocksOfAWrite) {
    write->set_lba(write->lba() % (kWrittenBlocks - kBlocksOfAWrite));
  }
  // Of six bytes 0 stands for 256 blocks.
  const uint32_t least = write->size() == 6 ? 1 : 0;
  write->set_blocks(std::clamp(write->blocks(), least, kBlocksOfAWrite));
  return allow_writes;
}

bool Overlaps(const v1::Patch& patch, size_t from, size_t to) {
  const size_t size = std::max(patch.replace().size(), patch.xor_().size());
  return patch.offset() < to && size_t{patch.offset()} + size > from;
}

// A path through the kind or without it.
bool Names(std::string_view path, std::string_view field) {
  return path.starts_with(field) || path.find(std::string(".").append(field)) != path.npos;
}

bool MayChangeCommand(std::string_view field, bool is_write) {
  return Names(field, "cdb") || Names(field, "opcode") || Names(field, "raw") ||
         Names(field, "bhs") || (is_write && Names(field, "lun"));
}

bool ConfinePdu(bool allow_writes, bool is_write, v1::Pdu* pdu) {
  if (pdu->has_scsi_command()) {
    if (!ConfineCdb(allow_writes, pdu->mutable_scsi_command()->mutable_cdb())) return false;
    if (is_write) {
      pdu->mutable_scsi_command()->clear_lun();
      pdu->mutable_scsi_command()->clear_lun_bytes();
    }
  } else if (pdu->has_opcode() && (pdu->opcode() & kOpcodeMask) == kScsiCommand) {
    return false;
  }
  if (pdu->has_raw() && !pdu->raw().bhs().empty() &&
      (static_cast<uint8_t>(pdu->raw().bhs()[0]) & kOpcodeMask) == kScsiCommand) {
    const std::string& bhs = pdu->raw().bhs();
    if (!IsReadOnly(bhs.size() > kCdbAt ? std::string_view(bhs).substr(kCdbAt) : "")) return false;
  }
  auto* const patches = pdu->mutable_patch();
  for (int i = 0; i < patches->size();) {
    const v1::Patch& patch = patches->Get(i);
    const bool risky = Overlaps(patch, 0, 1) || Overlaps(patch, kCdbAt, kCdbEnd) ||
                       (is_write && Overlaps(patch, kLunAt, kLunEnd));
    if (risky) {
      patches->DeleteSubrange(i, 1);
    } else {
      ++i;
    }
  }
  const v1::TaskManagementFunction function = pdu->task_management_request().function();
  return allow_writes || (function != v1::LOGICAL_UNIT_RESET && function != v1::TARGET_WARM_RESET &&
                          function != v1::TARGET_COLD_RESET && function != v1::CLEAR_TASK_SET);
}

template <typename Entries>
void DropRisky(bool is_write, Entries* entries) {
  for (int i = 0; i < entries->size();) {
    if (MayChangeCommand(entries->Get(i).field(), is_write)) {
      entries->DeleteSubrange(i, 1);
    } else {
      ++i;
    }
  }
}

bool ConfineSend(bool allow_writes, v1::Send* send) {
  if (send->has_iser() && send->iser().has_message()) {
    // As it is on the wire: 28 bytes, then a header.
    constexpr size_t kIserHeader = 28;
    const std::string& message = send->iser().message();
    if (message.size() > kIserHeader &&
        (static_cast<uint8_t>(message[kIserHeader]) & kOpcodeMask) == kScsiCommand &&
        !IsReadOnly(message.size() > kIserHeader + kCdbAt
                        ? std::string_view(message).substr(kIserHeader + kCdbAt)
                        : "")) {
      return false;
    }
  }
  const bool is_write = IsWrite(send->pdu().scsi_command().cdb());
  DropRisky(is_write, send->mutable_bind());
  DropRisky(is_write, send->mutable_adjust());
  if (is_write) {
    send->set_absolute_lba(false);
    if (send->misbehaviour() == v1::LUN_OTHER_THAN_COMMANDS) send->clear_misbehaviour();
  }
  return !send->has_pdu() || ConfinePdu(allow_writes, is_write, send->mutable_pdu());
}

bool ConfineCommand(bool allow_writes, v1::Command* command) {
  const bool is_write = IsWrite(command->cdb());
  DropRisky(is_write, command->mutable_bind());
  if (is_write) {
    command->set_absolute_lba(false);
    command->clear_lun();
  }
  return !command->has_cdb() || ConfineCdb(allow_writes, command->mutable_cdb());
}

// Any PDU of a target's will do: what was due is not known of a sequence that was mutated.
void Loosen(v1::Expect* expect) {
  for (const v1::Alternative& alternative : expect->one_of()) {
    if (alternative.save_size() > 0) return;
  }
  if (expect->one_of_size() == 0) return;
  expect->clear_one_of();
  v1::Predicate* const any = expect->add_one_of()->add_where();
  any->set_field("opcode");
  any->mutable_range()->set_min(0x20);
  any->mutable_range()->set_max(0x3f);
}

// False: the step has no place here.
bool ConfineStep(bool allow_writes, v1::Step* step) {
  step->clear_timeout_ms();
  switch (step->action_case()) {
    case v1::Step::kTrigger:
    case v1::Step::kElapse:
    case v1::Step::kRequire:
    case v1::Step::kRequireNegotiated:
    case v1::Step::kCheckBlocks:
    case v1::Step::kExpectRdma:
      return false;
    case v1::Step::kSend:
      return ConfineSend(allow_writes, step->mutable_send());
    case v1::Step::kCommand:
      return ConfineCommand(allow_writes, step->mutable_command());
    case v1::Step::kConnections:
      return !step->connections().has_command() ||
             ConfineCommand(allow_writes, step->mutable_connections()->mutable_command());
    case v1::Step::kServeR2Ts:
      return step->serve_r2ts().data_out().patch_size() == 0 &&
             !step->serve_r2ts().data_out().has_opcode();
    case v1::Step::kExpect:
      Loosen(step->mutable_expect());
      return true;
    default:
      return true;
  }
}

}  // namespace

bool Writes(const v1::Scenario& scenario) {
  return std::any_of(scenario.step().begin(), scenario.step().end(), [](const v1::Step& step) {
    return IsWrite(step.send().pdu().scsi_command().cdb()) || IsWrite(step.command().cdb()) ||
           IsWrite(step.connections().command().cdb());
  });
}

void Confine(bool allow_writes, v1::Scenario* scenario) {
  auto* const steps = scenario->mutable_step();
  for (int i = 0; i < steps->size();) {
    if (ConfineStep(allow_writes, steps->Mutable(i))) {
      ++i;
    } else {
      steps->DeleteSubrange(i, 1);
    }
  }
}

}  // namespace pushpull::fuzz
