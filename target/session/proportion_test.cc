// An answer is proportionate: whatever EDTL a request of 48 bytes claims, no more comes back than
// its CDB asks for, and for no more is asked.

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/scsi/command_table.h"
#include "target/session/testing/data_fixture.h"

namespace pushpull::target::testing {
namespace {

constexpr uint32_t kHugeClaim = 0xffffffff;
constexpr uint32_t kSegment = 8192;  // the initiator's MaxRecvDataSegmentLength

// Where a CDB says how much is to come.
struct Length {
  uint8_t code;
  int action;  // -1: none
  size_t at;
  size_t bytes;
  uint32_t unit;  // of one; 0: it always is `always`
  uint32_t always = 0;
  uint8_t page = 0;      // byte 2
  uint32_t of_zero = 0;  // what 0 means
};
constexpr Length kLengths[] = {
    {0x03, -1, 4, 1, 1},          {0x08, -1, 4, 1, 512, 0, 0, 256 * 512},
    {0x12, -1, 3, 2, 1},          {0x1a, -1, 4, 1, 1, 0, 0x3f},
    {0x25, -1, 0, 0, 0, 8},       {0x28, -1, 7, 2, 512},
    {0x5a, -1, 7, 2, 1, 0, 0x3f}, {0x88, -1, 10, 4, 512},
    {0x9e, 0x10, 10, 4, 1},       {0x9e, 0x12, 10, 4, 1},
    {0xa0, -1, 6, 4, 1},          {0xa3, 0x0c, 6, 4, 1},
    {0xa3, 0x0d, 6, 4, 1},        {0xa8, -1, 6, 4, 512},
};

class ProportionTest : public DataTest {
 protected:
  ScsiCommand Huge(uint8_t code, int action) {
    ScsiCommand command = TestUnitReady(a());
    command.expected_data_transfer_length = kHugeClaim;
    command.cdb = {};
    command.cdb[0] = code;
    if (action >= 0) command.cdb[1] = static_cast<uint8_t>(action);
    return command;
  }
  // All that comes until the status.
  struct Answer {
    uint64_t data = 0;
    uint64_t pdus = 0;
    uint64_t asked_for = 0;  // by R2Ts
  };
  Answer Run(const ScsiCommand& command) {
    Answer answer;
    a().Send(command);
    while (const auto pdu = a().Next()) {
      const BhsView bhs(pdu->bhs);
      ++answer.pdus;
      if (pdu->opcode() == Opcode::kR2t) {
        const R2t r2t = R2t::Decode(bhs);
        answer.asked_for += r2t.desired_data_transfer_length;
        a().Answer(r2t, ByteVector(1 << 20));
      }
      if (pdu->opcode() == Opcode::kScsiResponse) return answer;
      if (pdu->opcode() != Opcode::kDataIn) continue;
      answer.data += pdu->data.size();
      if (DataIn::Decode(bhs).status_present) return answer;
    }
    ADD_FAILURE() << "no status";
    return answer;
  }
  static const Length* LengthOf(const CommandEntry& entry) {
    const auto found = std::ranges::find_if(kLengths, [&](const Length& length) {
      return length.code == entry.opcode &&
             length.action == (entry.service_action ? *entry.service_action : -1);
    });
    return found == std::end(kLengths) ? nullptr : found;
  }
};

TEST_F(ProportionTest, ReadsOfEachCommandGiveWhatTheCdbAsksFor) {
  Start();
  size_t with_length = 0;
  for (const CommandEntry& entry : AllCommands()) {
    if ((entry.units & kBlockDevice) == 0) continue;
    SCOPED_TRACE(std::string(entry.name));
    const Length* const length = LengthOf(entry);
    with_length += length != nullptr ? 1 : 0;
    for (const uint32_t number : {0, 1, 3}) {
      ScsiCommand command = Huge(entry.opcode, entry.service_action ? *entry.service_action : -1);
      command.read = true;
      uint64_t due = 0;
      if (length != nullptr) {
        command.cdb[2] = length->page;
        if (length->bytes > 0) command.cdb[length->at + length->bytes - 1] = number;
        due = length->unit == 0 ? length->always : uint64_t{number} * length->unit;
        if (number == 0 && length->of_zero != 0) due = length->of_zero;
      }
      const Answer answer = Run(command);
      EXPECT_LE(answer.data, due) << number;
      EXPECT_LE(answer.pdus, 1 + (due + kSegment - 1) / kSegment) << number;
      EXPECT_EQ(answer.asked_for, 0u);
    }
  }
  EXPECT_EQ(with_length, std::size(kLengths)) << "a command of the list isn't there";
}

TEST_F(ProportionTest, WritesOfEachCommandAskForWhatTheCdbSays) {
  Start({{"InitialR2T", "Yes"}, {"ImmediateData", "No"}});
  struct Write {
    uint8_t code;
    size_t at;
    uint32_t unit;
  };
  for (const Write& write : {Write{0x0a, 4, 512},
                             {0x2a, 8, 512},
                             {0x8a, 13, 512},
                             {0xaa, 9, 512},
                             {0x15, 4, 1},
                             {0x55, 8, 1}}) {
    SCOPED_TRACE(int{write.code});
    ScsiCommand command = Huge(write.code, write.unit == 1 ? 0x10 : -1);
    command.write = true;
    command.cdb[write.at] = 3;
    const Answer answer = Run(command);
    EXPECT_EQ(answer.asked_for, 3 * write.unit);
    EXPECT_EQ(answer.pdus, 2u);
  }
  // All others ask for nothing where their CDB names no length.
  for (const CommandEntry& entry : AllCommands()) {
    if ((entry.units & kBlockDevice) == 0 || entry.opcode == 0x0a) continue;
    SCOPED_TRACE(std::string(entry.name));
    ScsiCommand command = Huge(entry.opcode, entry.service_action ? *entry.service_action : -1);
    command.write = true;
    const bool one_block = entry.opcode == 0x41 || entry.opcode == 0x93;
    EXPECT_LE(Run(command).asked_for, one_block ? 512u : 0u);
  }
}

// Requests of 48 bytes that are no commands: one PDU comes back, and as much data as a Reject has.
TEST_F(ProportionTest, OtherRequestsGetOnePdu) {
  const auto header = [](auto pdu) { return pdu.Encode(); };
  using Function = TaskManagementFunction;
  for (int kind = 0; kind < 16; ++kind) {
    SCOPED_TRACE(kind);
    Start();
    Bhs bhs = {};
    if (kind < 8) {
      TaskManagementRequest request = Tmf(a(), static_cast<Function>(kind + 1));
      bhs = header(a().Number(request));
    } else if (kind == 8) {
      bhs = header(a().Number(NopOut{.immediate = true, .initiator_task_tag = a().NextTag()}));
    } else if (kind == 9) {
      TextRequest text;
      text.immediate = text.final = true;
      text.initiator_task_tag = a().NextTag();
      text.target_transfer_tag = kNoTag;
      bhs = header(a().Number(text));
    } else if (kind == 10) {
      bhs =
          header(a().Number(LogoutRequest{.immediate = true, .initiator_task_tag = a().NextTag()}));
    } else if (kind == 11) {
      bhs = header(SnackRequest{});
    } else {
      bhs[0] = std::array<uint8_t, 4>{0x1c, 0x5d, 0x23, 0x43}[static_cast<size_t>(kind) - 12];
    }
    a().SendPdu({.bhs = bhs, .ahs = {}, .data = {}});
    const auto answer = a().Next();
    if (answer.has_value()) {
      EXPECT_LE(answer->data.size(), kBhsBytes);
    }
    EXPECT_FALSE(a().Next(absl::Seconds(1)).has_value());
  }
}

}  // namespace
}  // namespace pushpull::target::testing
