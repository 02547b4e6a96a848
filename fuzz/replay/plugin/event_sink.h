// What a plug-in tells of one delivery: folded into a digest, and written down where it is asked
// for. Runs in the child: what it is handed may be wrong, and is judged by the ABI's rules.

#ifndef FUZZ_REPLAY_PLUGIN_EVENT_SINK_H_
#define FUZZ_REPLAY_PLUGIN_EVENT_SINK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"
#include "fuzz/replay/event_digest.h"
#include "fuzz/replay/receiver_plugin.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {

class EventSink {
 public:
  // More than any receiver has to tell, so that one that never stops is found out.
  struct Limits {
    uint64_t events = 1 << 16;
    uint64_t bytes = 1 << 24;  // of AHSs and data
  };

  // Puts the trace's own numbers into a BHS that an event shows.
  using RestoreNumbers = absl::AnyInvocable<void(base::MutableBytes bhs)>;
  using WriteEvent = absl::AnyInvocable<void(const v1::Event& event)>;

  // `data_only`: PUSHPULL_CAP_EVENTS_DATA_ONLY. `restore`: null for none.
  EventSink(bool data_only, const Limits& limits, RestoreNumbers restore)
      : data_only_(data_only), limits_(limits), restore_(std::move(restore)) {}

  // A delivery begins. `write` is called for each event; null for the digest alone, which is the
  // hot path.
  void Begin(WriteEvent write);
  // Empty, or what is wrong with the event ("an event of kind 9, which doesn't exist"): the
  // plug-in broke the ABI, and nothing that follows means anything.
  std::string Add(const pushpull_event& event);
  // One of the host's own.
  void AddOther(std::string_view kind, std::string_view text);
  // The delivery ended: tells what was held back until now.
  void Finish();

  // Of what was added up to now. Equal where the written events would be.
  uint64_t digest() const { return digest_.value(); }
  uint32_t events() const { return events_; }
  // Nothing is received behind an event that was added.
  bool fatal() const { return fatal_; }

 private:
  std::string Judge(const pushpull_event& event) const;
  void AddPdu(const pushpull_event& event);
  void AddStop(const pushpull_event& event);  // an error or an end
  void WriteOther(std::string_view kind, std::string_view text, base::Bytes data);
  void Fold(uint32_t kind, uint32_t flags, uint32_t code, std::string_view text);
  void FoldBytes(base::Bytes bytes);

  const bool data_only_;
  const Limits limits_;
  RestoreNumbers restore_;
  WriteEvent write_;
  EventDigest digest_;
  uint32_t events_ = 0;
  uint64_t bytes_ = 0;
  bool fatal_ = false;
  std::vector<uint8_t> pieces_;  // of EVENT_DATA, or with data_only_ of all events
};

// Text as a plug-in gave it, fit for a protobuf string: printable ASCII, `\x1b` for the rest, cut
// at `max_bytes`.
std::string Printable(std::string_view text, size_t max_bytes = 4096);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_EVENT_SINK_H_
