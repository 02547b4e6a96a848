// Text Requests of the Full Feature Phase (RFC 7143 §6.4, §11.10, §11.11): SendTargets, and the
// negotiation of the few keys that may change there. One of these for each connection, which has
// one Text sequence at a time.

#ifndef TARGET_DISCOVERY_TEXT_EXCHANGE_H_
#define TARGET_DISCOVERY_TEXT_EXCHANGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "target/bugs/bugs.h"
#include "target/discovery/send_targets.h"
#include "target/negotiation/negotiator.h"
#include "target/negotiation/parameters.h"
#include "target/negotiation/text.h"
#include "target/pdu/codes.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/variation/legal_variation.h"

namespace pushpull::target {

struct TextReply {
  enum class Kind : uint8_t {
    kRespond,  // send `response` with `text` as its data segment
    kReject,   // send a Reject of the request with `reject_reason`; the sequence is over (§6.4)
  };
  Kind kind = Kind::kRespond;
  TextResponse response;  // numbers and lengths are the sender's to fill in
  std::string text;       // at most the initiator's MaxRecvDataSegmentLength
  RejectReason reject_reason = RejectReason::kProtocolError;
  NegotiationError error;  // why it is rejected
  // The sequence ended in agreement: in force once this response is sent (§6.4).
  std::optional<ConnectionParameters> new_parameters;
};

class TextExchange {
 public:
  struct Config {
    SendTargetsContext session;
    NegotiationLimits limits;
    BugSet bugs;
    bool rdma_transport = false;
    uint32_t max_exchanges = 128;  // of a sequence, where they carry no part of a longer text
    LegalVariation* variation = nullptr;  // null: as usual. Outlives the exchange
  };

  // `directory` outlives it.
  TextExchange(TargetDirectory* directory, Config config);
  ~TextExchange();

  // `session` and `connection` are what is in force.
  TextReply OnRequest(const TextRequest& request, base::Bytes text,
                      const SessionParameters& session, const ConnectionParameters& connection);

  // Forgets the sequence under way (its task was aborted, or the target needs its memory).
  void Reset();

  // The Initiator Task Tag of the sequence under way.
  std::optional<uint32_t> initiator_task_tag() const;
  // How many sequences another one began before they ended.
  uint32_t left_unfinished() const { return left_unfinished_; }

 private:
  struct Sequence;

  TextReply Reject(RejectReason reason, NegotiationError error);
  std::optional<TextReply> CheckContinuation(const TextRequest& request);
  void Begin(const TextRequest& request, const SessionParameters& session,
             const ConnectionParameters& connection);
  std::optional<TextReply> TakeText(const TextRequest& request, base::Bytes text);
  base::Result<void, NegotiationError> Process();
  base::Result<void, NegotiationError> AnswerDiscovery(std::string_view value);
  std::string NextText(size_t most);
  TextReply Respond(const TextRequest& request, const ConnectionParameters& connection);

  TargetDirectory* directory_;
  Config config_;
  std::unique_ptr<Sequence> sequence_;
  uint32_t next_transfer_tag_ = 1;
  uint32_t left_unfinished_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_DISCOVERY_TEXT_EXCHANGE_H_
