#include "target/rx/event_log.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

// What a comparison of two deliveries shows to its reader, and what some tests compare.
TEST(EventLogTest, ALineSaysAllOfAnEvent) {
  const std::vector<uint8_t> nop_out = {0x40, 0x80};
  const struct {
    RxEvent event;
    std::string_view line;
  } kCases[] = {
      {PduCompleteEvent{.bhs = nop_out, .ahs = {}, .data = {}}, "pdu NOP-Out bhs=4080"},
      {PduCompleteEvent{.bhs = {0x01}, .ahs = {0xab}, .data = {}},
       "pdu SCSI Command bhs=01 ahs=ab"},
      {PduCompleteEvent{.bhs = nop_out, .ahs = {}, .data = {1, 2}},
       "pdu NOP-Out bhs=4080 data=0102"},
      {PduCompleteEvent{.bhs = nop_out, .ahs = {}, .data = {}, .data_discarded = true},
       "pdu NOP-Out bhs=4080 data_discarded"},
      {PduCompleteEvent{.bhs = nop_out,
                        .ahs = {3},
                        .data = {4},
                        .data_discarded = false,
                        .data_digest_failed = true},
       "pdu NOP-Out bhs=4080 ahs=03 data=04 data_digest_failed"},
      {ProtocolError{Reason::kAhsTooLong, "RFC 7143 §11.2.1.5", Action::kCloseSession},
       "error ahs_too_long (RFC 7143 §11.2.1.5): close_session"},
      {EndEvent{false}, "end"},
      {EndEvent{true}, "end inside a pdu"},
  };
  EventLog log;
  std::string text;
  for (const auto& c : kCases) {
    EXPECT_EQ(ToString(c.event), c.line);
    log.Add(c.event);
    text.append(c.line).append("\n");
  }
  EXPECT_EQ(ToString(log), text);
}

}  // namespace
}  // namespace pushpull::target
