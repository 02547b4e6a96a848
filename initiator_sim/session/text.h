// Exchanges of Text PDUs as a right initiator leads them: SendTargets and negotiations in the Full
// Feature Phase. (RFC 7143 §6.4, §11.10, §11.11)

#ifndef INITIATOR_SIM_SESSION_TEXT_H_
#define INITIATOR_SIM_SESSION_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "initiator_sim/session/negotiation.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

class TextExchange {
 public:
  enum class Progress : uint8_t {
    kSend,    // Next() is due
    kDone,    // the response was final
    kBreach,  // the target broke the protocol: breach()
  };

  // `data_segment_length`: bytes of text in each request, at the most.
  TextExchange(std::string text, size_t data_segment_length)
      : text_(std::move(text)), limit_(data_segment_length == 0 ? 1 : data_segment_length) {}

  // The next Text Request: flags, LUN, TTT and text.
  v1::Pdu Next();
  Progress OnResponse(const v1::Pdu& pdu);

  const std::string& breach() const { return breach_; }
  // All text of the target up to now.
  const std::string& received() const { return received_; }
  uint32_t responses() const { return responses_; }
  const Negotiation& negotiation() const { return negotiation_; }

 private:
  Progress Breach(const std::string& what, const std::string& section);

  std::string text_;  // not sent yet
  const size_t limit_;
  Negotiation negotiation_;
  std::string received_;
  std::string breach_;
  uint32_t responses_ = 0;
  uint32_t target_transfer_tag_ = 0xffffffff;
  uint64_t lun_bytes_ = 0;
  bool begun_ = false;
  bool sent_continue_ = false;
  bool sent_final_ = false;
  bool waiting_for_rest_ = false;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_SESSION_TEXT_H_
