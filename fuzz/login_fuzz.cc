// A login dialogue, request after request, each with its flags, stages and text: the target answers
// by the rules, ends the dialogue within its bounds, and never sends more than a PDU holds. An
// input is a sequence of
//   1 byte   bits 0-1 NSG, 2-3 CSG, 6 C, 7 T; where bits 4 and 5 are set: another PDU than a login
//   2 bytes  the length of the text, big-endian; what isn't there any more is left out
//   ...      the text

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "target/login/testing.h"

namespace pushpull::target {
namespace {

constexpr int kMostRequests = 400;

void CheckResponse(const LoginStep& step) {
  CHECK_LE(step.text.size(), 8192u);  // RFC 7143 §6.3
  const LoginResponse& response = step.response;
  CHECK(!(response.transit && response.text_continue));
  CHECK_EQ(step.kind == LoginStep::Kind::kFail, response.status_class != 0);
  CHECK_EQ(step.kind == LoginStep::Kind::kFinal, response.tsih != 0);
}

// What was agreed is within what the RFC allows, whoever asked for what (RFC 7143 §13).
void CheckAgreed(const LoginResult& result) {
  CHECK_LE(result.session.first_burst_length, result.session.max_burst_length);
  CHECK_GE(result.session.first_burst_length, 512u);
  CHECK_LE(result.session.max_burst_length, 0xffffffu);
  CHECK_GE(result.connection.initiator_max_recv_data_segment_length, 512u);
  CHECK_LE(result.connection.initiator_max_recv_data_segment_length, 0xffffffu);
}

void Talk(base::Bytes input) {
  Dialogue dialogue;
  for (int requests = 0; requests < kMostRequests && input.size() >= 3; ++requests) {
    const uint8_t flags = input[0];
    const size_t length = std::min<size_t>(base::LoadBe16(&input[1]), input.size() - 3);
    const base::Bytes text = input.subspan(3, length);
    input = input.subspan(3 + length);
    if ((flags & 0x30) == 0x30) {
      dialogue.Show(dialogue.machine.OnOtherPdu());
    } else {
      LoginRequest request = dialogue.header;
      request.transit = (flags & 0x80) != 0;
      request.text_continue = (flags & 0x40) != 0;
      request.current_stage = static_cast<Stage>(flags >> 2 & 3);
      request.next_stage = static_cast<Stage>(flags & 3);
      dialogue.Show(dialogue.machine.OnRequest(request, text));
    }
    if (dialogue.step.kind == LoginStep::Kind::kClose) return;
    CheckResponse(dialogue.step);
    if (dialogue.step.kind == LoginStep::Kind::kFinal) CheckAgreed(dialogue.machine.result());
    if (dialogue.step.kind != LoginStep::Kind::kRespond) return;
  }
}

}  // namespace
}  // namespace pushpull::target

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::target::Talk({data, size});
  return 0;
}
