// A receiver for tests that depends on cuts as it is told to.

#ifndef FUZZ_REPLAY_TOY_RECEIVER_H_
#define FUZZ_REPLAY_TOY_RECEIVER_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/replay/event_digest.h"
#include "fuzz/replay/receiver.h"

namespace pushpull::replay {

// Says one event for each PDU of the trace and, where `is_wrong` says so of a delivery, spoils the
// data of one of them (`spoiled`, from 0).
class ToyReceiver final : public Receiver {
 public:
  using IsWrong = std::function<bool(const Delivery&)>;
  ToyReceiver(IsWrong is_wrong, size_t spoiled)
      : is_wrong_(std::move(is_wrong)), spoiled_(spoiled) {}

  std::string name() const override { return "toy"; }
  absl::Status Open(const Trace& trace) override {
    trace_ = &trace;
    return absl::OkStatus();
  }
  std::vector<Source> sources() const override { return {Source::kTcp, Source::kPush}; }
  bool push_equals_pull() const override { return true; }

  absl::StatusOr<Outcome> Play(const Delivery& delivery) override {
    const auto log = PlayForLog(delivery);
    return Outcome{.events_digest = DigestOf(*log),
                   .spans_digest = 0,
                   .events = static_cast<uint32_t>(log->event_size())};
  }
  absl::StatusOr<v1::EventLog> PlayForLog(const Delivery& delivery) override {
    ++plays_;
    v1::EventLog log;
    for (const PduBorders& pdu : trace_->pdus) {
      const std::string bytes(base::AsText(trace_->BytesOf(pdu)));
      v1::PduComplete* event = log.add_event()->mutable_pdu();
      event->set_bhs(bytes.substr(0, 48));
      event->set_data(
          bytes.substr(pdu.header_digest_end - pdu.begin, pdu.data_end - pdu.header_digest_end));
    }
    if (is_wrong_(delivery))
      log.mutable_event(static_cast<int>(spoiled_))->mutable_pdu()->set_data("spoiled");
    log.add_event()->mutable_end();
    return log;
  }

  uint64_t plays() const { return plays_; }

 private:
  const IsWrong is_wrong_;
  const size_t spoiled_;
  const Trace* trace_ = nullptr;
  uint64_t plays_ = 0;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_TOY_RECEIVER_H_
