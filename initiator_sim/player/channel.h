// A transport connection that carries PDUs: writes them in the cuts that were asked for, and finds
// those that come.

#ifndef INITIATOR_SIM_PLAYER_CHANNEL_H_
#define INITIATOR_SIM_PLAYER_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "fabric/loop.h"
#include "fabric/stream.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/framer.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::initiator_sim {

class IserBuffer;

struct OutgoingPdu {
  std::vector<uint8_t> bytes;
  Digests digests;
  std::vector<size_t> cuts;  // offsets in `bytes`, ascending
  bool join_next = false;    // held back until the next PDU, and in one write with its beginning
  bool misbehaving = false;

  // iSER alone. What goes before the PDU; empty: nothing.
  std::vector<uint8_t> iser_header;
  // Buffers whose keys this message advertises: they are bound before it.
  std::vector<IserBuffer*> binds;
  // What is posted of the message, where that isn't all of it.
  std::optional<size_t> posted_bytes;
};

// Handlers are called from the loop, never within a call of this class but Send's, and must not
// destroy the channel.
struct ChannelHandlers {
  // A whole PDU. EnterFullFeature counts for those that follow.
  absl::AnyInvocable<void(Frame)> pdu;
  // The peer ended the connection; no more PDUs follow. `reason` is empty where it did so in order.
  absl::AnyInvocable<void(std::string reason)> ended;
  // All that was sent is written, or never will be.
  absl::AnyInvocable<void()> drained;
};

class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  virtual void Send(OutgoingPdu pdu) = 0;
  // Writes what join_next still holds back.
  virtual void Flush() = 0;
  // The peer is told that nothing more follows, once all is written.
  virtual void ShutdownWriteWhenDrained() = 0;
  // In order: what was sent may still arrive.
  virtual void Close() = 0;
  virtual void Abort() = 0;

  // The login is over: what follows has these digests (of iSER: and iSER headers).
  virtual void EnterFullFeature(Digests digests) = 0;
  virtual bool drained() const = 0;
  // Neither closed by us nor ended by the peer.
  virtual bool open() const = 0;
  virtual const TapConnection& info() const = 0;
  // What came of a PDU that isn't whole.
  virtual base::Bytes unfinished() const = 0;
  virtual Digests receive_digests() const = 0;
};

// Over a stream.
class StreamChannel final : public Channel {
 public:
  // `incoming` is the direction that is read; `tap` may be null.
  StreamChannel(std::unique_ptr<fabric::Stream> stream, fabric::Loop* loop, TapConnection info,
                Tap* tap, Direction incoming, ChannelHandlers handlers);
  ~StreamChannel() override;

  void Send(OutgoingPdu pdu) override;
  void Flush() override;
  // FIN.
  void ShutdownWriteWhenDrained() override;
  void Close() override;
  void Abort() override;

  void EnterFullFeature(Digests digests) override { framer_.set_digests(digests); }
  bool drained() const override { return writes_.empty() || !open_ || !writable_; }
  bool open() const override { return open_; }
  const TapConnection& info() const override { return info_; }
  base::Bytes unfinished() const override { return framer_.pending_bytes(); }
  Digests receive_digests() const override { return framer_.digests(); }

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
