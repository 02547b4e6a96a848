// Tells taps a conversation that tests make up, as the player would tell a real one.

#ifndef CONFORMANCE_TAP_TAP_FEEDER_H_
#define CONFORMANCE_TAP_TAP_FEEDER_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::conformance {

class TapFeeder {
 public:
  using Direction = initiator_sim::Direction;

  explicit TapFeeder(std::vector<initiator_sim::Tap*> taps) : taps_(std::move(taps)) {}

  // Returns the connection's id. Without `tell` it was open before the taps began to listen.
  uint32_t Open(const std::string& name, const fabric::Address& local = {"127.0.0.1", 40000},
                const fabric::Address& peer = {"127.0.0.1", 3261}, bool tell = true) {
    initiator_sim::TapConnection& c = connections_.emplace_back();
    c.id = static_cast<uint32_t>(connections_.size());
    c.name = name;
    c.session = "s";
    c.local = local;
    c.peer = peer;
    if (!tell) return c.id;
    for (initiator_sim::Tap* tap : taps_) tap->OnOpened(c, Tick());
    return c.id;
  }

  // A PDU, in pieces that end at `cuts`.
  void Send(uint32_t id, Direction direction, base::Bytes bytes,
            initiator_sim::Digests digests = {}, const std::vector<size_t>& cuts = {},
            bool misbehaving = false) {
    const initiator_sim::TapConnection& c = connections_[id - 1];
    size_t begin = 0;
    for (size_t i = 0; i <= cuts.size(); ++i) {
      const size_t end = i < cuts.size() ? cuts[i] : bytes.size();
      const absl::Time now = Tick();
      for (initiator_sim::Tap* tap : taps_) {
        tap->OnBytes(c, now, direction, bytes.subspan(begin, end - begin));
      }
      begin = end;
    }
    const initiator_sim::DecodedPdu decoded = initiator_sim::Decode(bytes, digests);
    initiator_sim::TapPdu pdu;
    pdu.connection = &c;
    pdu.direction = direction;
    pdu.time = now_;
    pdu.bytes = bytes;
    pdu.decoded = &decoded;
    pdu.digests = digests;
    pdu.misbehaving = misbehaving;
    for (initiator_sim::Tap* tap : taps_) tap->OnPdu(pdu);
  }

  // Encoded; its direction is that of its kind.
  void Send(uint32_t id, const v1::Pdu& pdu, initiator_sim::Digests digests = {},
            bool misbehaving = false) {
    const absl::StatusOr<initiator_sim::EncodedPdu> encoded = initiator_sim::Encode(pdu, digests);
    CHECK(encoded.ok()) << encoded.status().ToString() << pdu.DebugString();
    const bool to_target = (encoded->bytes[0] & 0x20) == 0;
    Send(id, to_target ? Direction::kToTarget : Direction::kToInitiator, encoded->bytes, digests,
         {}, misbehaving);
  }

  void Close(uint32_t id, bool by_peer, const std::string& reason = "") {
    for (initiator_sim::Tap* tap : taps_) {
      tap->OnClosed(connections_[id - 1], Tick(), by_peer, reason);
    }
  }

 private:
  absl::Time Tick() { return now_ += absl::Milliseconds(1); }

  std::vector<initiator_sim::Tap*> taps_;
  std::deque<initiator_sim::TapConnection> connections_;
  absl::Time now_ = absl::FromUnixSeconds(1396310400);
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_TAP_TAP_FEEDER_H_
