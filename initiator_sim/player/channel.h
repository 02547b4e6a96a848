// A transport connection that carries PDUs: writes them in the cuts that were asked for, and finds
// those that come.

#ifndef INITIATOR_SIM_PLAYER_CHANNEL_H_
#define INITIATOR_SIM_PLAYER_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "fabric/loop.h"
#include "fabric/stream.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/framer.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::initiator_sim {

struct OutgoingPdu {
  std::vector<uint8_t> bytes;
  Digests digests;
  std::vector<size_t> cuts;  // offsets in `bytes`, ascending
  bool join_next = false;    // held back until the next PDU, and in one write with its beginning
  bool misbehaving = false;
};

// Handlers are called from the loop, never within a call of this class but Send's, and must not
// destroy the channel.
struct ChannelHandlers {
  // A whole PDU. set_receive_digests counts for those that follow.
  absl::AnyInvocable<void(Frame)> pdu;
  // The peer ended the connection; no more PDUs follow. `reason` is empty where it did so in order.
  absl::AnyInvocable<void(std::string reason)> ended;
  // All that was sent is written, or never will be.
  absl::AnyInvocable<void()> drained;
};

class Channel {
 public:
  // `incoming` is the direction that is read; `tap` may be null.
  Channel(std::unique_ptr<fabric::Stream> stream, fabric::Loop* loop, TapConnection info, Tap* tap,
          Direction incoming, ChannelHandlers handlers);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  void Send(OutgoingPdu pdu);
  // Writes what join_next still holds back.
  void Flush();
  // FIN once all is written.
  void ShutdownWriteWhenDrained();
  void Close();
  void Abort();

  void set_receive_digests(Digests digests) { framer_.set_digests(digests); }
  bool drained() const { return writes_.empty() || !open_ || !writable_; }
  // Neither closed by us nor ended by the peer.
  bool open() const { return open_; }
  const TapConnection& info() const { return info_; }
  // What came of a PDU that isn't whole.
  base::Bytes unfinished() const { return framer_.pending_bytes(); }
  Digests receive_digests() const { return framer_.digests(); }

 private:
  // A PDU whose last byte is the one before `end` of a write.
  struct Completed {
    size_t end;
    OutgoingPdu pdu;
  };
  // What one write carries.
  struct Write {
    std::vector<uint8_t> bytes;
    std::deque<Completed> completes;
    bool held = false;
  };

  void OnReadable();
  void Pump();
  // False where the read loop must stop.
  bool TakeFrames();
  void End(std::string reason);
  void ReportSent(const OutgoingPdu& pdu);

  std::unique_ptr<fabric::Stream> stream_;
  fabric::Loop* const loop_;
  const TapConnection info_;
  Tap* const tap_;
  const Direction incoming_;
  ChannelHandlers handlers_;
  Framer framer_;
  std::deque<Write> writes_;
  size_t written_ = 0;  // of writes_.front()
  std::vector<uint8_t> read_buffer_;
  fabric::Timer read_on_;  // with what was left for the loop's next turn
  bool open_ = true;
  bool writable_ = true;
  bool shutdown_due_ = false;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_CHANNEL_H_
