// What a scenario takes for granted of a target that it has never seen: its window, its segments,
// the size of its disk. Each target may have the smallest that the RFCs allow.

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "conformance/scenario/lint_steps.h"
#include "initiator_sim/pdu/data.h"

namespace pushpull::conformance {
namespace {

// Blocks of one command that no LUN is known to refuse (Block Limits page, SBC-3 §6.6.3).
constexpr uint32_t kShortTransfer = 64;

const v1::ReadWriteCdb* NamedBlocks(const v1::Cdb& cdb) {
  switch (cdb.command_case()) {
    case v1::Cdb::kRead:
      return &cdb.read();
    case v1::Cdb::kWrite:
      return &cdb.write();
    case v1::Cdb::kVerify:
      return &cdb.verify();
    case v1::Cdb::kSynchronizeCache:
      return &cdb.synchronize_cache();
    case v1::Cdb::kWriteAndVerify:
      return &cdb.write_and_verify();
    case v1::Cdb::kCompareAndWrite:
      return &cdb.compare_and_write();
    case v1::Cdb::kOrWrite:
      return &cdb.or_write();
    case v1::Cdb::kWriteSame:
      return &cdb.write_same();
    case v1::Cdb::kWriteAtomic:
      return &cdb.write_atomic();
    case v1::Cdb::kPreFetch:
      return &cdb.pre_fetch();
    default:
      return nullptr;
  }
}

}  // namespace

void StepLinter::LintLimits(const v1::Step& step) {
  if (scenario_.role() == v1::TARGET) return;
  if (step.require().value() == "window" && step.require().has_at_least()) {
    window_ = std::max(window_, step.require().at_least());
  }
  // On iSER the latter counts (RFC 7145 §6.2).
  if (step.require_negotiated().name() == "MaxRecvDataSegmentLength" ||
      step.require_negotiated().name() == "TargetRecvDataSegmentLength") {
    segment_ = std::max(segment_, step.require_negotiated().at_least());
  }
  if (step.has_send()) {
    const v1::Send& send = step.send();
    LintWindow(send);
    LintSegment(send);
    const v1::Cdb& cdb = send.pdu().scsi_command().cdb();
    LintScratch(cdb, send.bind(), send.absolute_lba());
    if (!send.absolute_lba()) LintBlocks(cdb, send.bind());
  }
  if (step.has_command()) {
    const v1::Command& command = step.command();
    LintScratch(command.cdb(), command.bind(), command.absolute_lba());
    if (!command.absolute_lba()) LintBlocks(command.cdb(), command.bind());
  }
}

// A command ahead of the one that is due lies in the window only where that has room for two.
void StepLinter::LintWindow(const v1::Send& send) {
  if (send.pdu().immediate()) return;
  uint64_t needed = send.misbehaviour() == v1::CMD_SN_GAP ? 2 : 1;
  for (const v1::Binding& binding : send.bind()) {
    if (binding.field() == "cmd_sn" && binding.from() == "cmd_sn" && binding.add() > 0) {
      needed = std::max(needed, static_cast<uint64_t>(binding.add()) + 1);
    }
  }
  if (needed <= window_) return;
  Say("window", absl::StrCat("this CmdSN lies in the window only where it has room for ", needed,
                             " commands, and a target may have room for one; say "
                             "require { value: \"window\" at_least: ",
                             needed, " } before it"));
}

void StepLinter::LintSegment(const v1::Send& send) {
  const v1::Pdu& pdu = send.pdu();
  if (pdu.has_login_request() || pdu.has_data_segment_length() || !send.adjust().empty()) return;
  const auto data = initiator_sim::DataBytes(pdu.data());
  if (!data.ok() || data->size() <= segment_) return;
  Say("segment",
      absl::StrCat(data->size(),
                   " bytes of data in one PDU, and a target may take no more than 512; say "
                   "require_negotiated { name: \"MaxRecvDataSegmentLength\" at_least: ",
                   data->size(), " } before it, or let serve_r2ts or command cut them"));
}

// Whoever gives --scratch-lba keeps all other blocks.
void StepLinter::LintScratch(const v1::Cdb& cdb, const Bindings& bindings, bool absolute_lba) {
  if (scenario_.needs().whole_lun() || scenario_.has_trace() || !IsWrite(cdb)) return;
  const bool beyond_the_end =
      std::any_of(bindings.begin(), bindings.end(), [](const v1::Binding& binding) {
        return binding.from() == "block_count" && binding.add() >= 0;
      });
  const bool elsewhere = absolute_lba && NamedBlocks(cdb) != nullptr && !beyond_the_end;
  constexpr char kFormatUnit = 0x04, kSanitize = 0x48;
  const char opcode = cdb.raw().empty() ? '\0' : cdb.raw()[0];
  if (!elsewhere && opcode != kFormatUnit && opcode != kSanitize) return;
  Say("needs_whole_lun",
      "it changes blocks outside of the scratch area; say needs { writes: true whole_lun: true }");
}

void StepLinter::LintBlocks(const v1::Cdb& cdb, const Bindings& bindings) {
  const v1::ReadWriteCdb* const named = NamedBlocks(cdb);
  if (named == nullptr) return;
  const bool bound = std::any_of(bindings.begin(), bindings.end(), [](const v1::Binding& binding) {
    return binding.field().starts_with("cdb.");
  });
  const v1::Needs& needs = scenario_.needs();
  if (named->blocks() > kShortTransfer && named->blocks() > needs.transfer_blocks()) {
    Say("needs_blocks", absl::StrCat("a LUN may take no ", named->blocks(),
                                     " blocks in one command; say needs { transfer_blocks: ",
                                     named->blocks(), " }"));
  }
  const uint64_t needed = named->lba() + named->blocks();
  if (bound || needed <= std::max(needs.blocks(), 1u)) return;
  Say("needs_blocks",
      absl::StrCat("it reaches to block ", needed - 1,
                   ", which a LUN need not have; say needs { blocks: ", needed, " }"));
}

}  // namespace pushpull::conformance
