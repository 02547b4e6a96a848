// Calls from this process to a child, one at a time, through memory that both share. What the child
// wrote there is as hostile as a peer's bytes: each value is read once and checked.

#ifndef FUZZ_REPLAY_PLUGIN_CALL_CHANNEL_H_
#define FUZZ_REPLAY_PLUGIN_CALL_CHANNEL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "fuzz/replay/delivery.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {

class CallChannel {
 public:
  // The result of a call, as the child claims it.
  struct Reply {
    uint32_t result = 0;
    uint32_t events = 0;
    uint64_t events_digest = 0;
    uint64_t spans_digest = 0;
    uint64_t capabilities = 0;
  };

  // Room for deliveries of up to `max_operations`, and for `log_bytes` of events. Create it before
  // the child is forked.
  static absl::StatusOr<std::unique_ptr<CallChannel>> Create(size_t max_operations,
                                                             size_t log_bytes);
  CallChannel(const CallChannel&) = delete;
  CallChannel& operator=(const CallChannel&) = delete;
  ~CallChannel();

  // ---- the parent's end ----
  // Forgets what the child before left behind.
  void Clear();
  // A call without a delivery, or with one. RESOURCE_EXHAUSTED: it has too many operations.
  void Ask();
  absl::Status Ask(const Delivery& delivery, bool with_log);
  enum class Wait { kAnswered, kNotYet, kGarbled };
  // Waits for the answer, at most about `ms`.
  Wait WaitForAnswer(int ms);
  Reply reply() const { return shared_->reply; }
  // What came with the reply, or before a death. May be anything.
  std::string text() const;
  bool violated() const { return shared_->violated.load() != 0; }
  uint32_t stage() const { return shared_->stage.load(); }
  uint32_t events() const { return shared_->events.load(); }
  // Adds the events that were written, up to the first that can't be read: false where there is
  // one.
  bool ReadLog(v1::EventLog* log) const;

  // ---- the child's end ----
  void WaitForCall();
  // False: the call had no delivery.
  bool ReadDelivery(Delivery* delivery, bool* with_log) const;
  // False: there is no room any more.
  bool WriteEvent(const v1::Event& event);
  void SetText(std::string_view text);
  void SetViolated() { shared_->violated.store(1); }
  void Answer(const Reply& reply);
  std::atomic<uint32_t>* stage_cell() { return &shared_->stage; }
  std::atomic<uint32_t>* events_cell() { return &shared_->events; }

 private:
  struct Call {
    uint32_t operations = 0;
    uint8_t has_delivery = 0;
    uint8_t with_log = 0;
    uint8_t source = 0;
    uint8_t not_yet_before_each_read = 0;
    uint8_t end_with_last = 0;
    uint16_t queue_capacity = 0;
    uint16_t slots = 0;
  };
  struct Shared {
    // Serial numbers of the last call and the last answer: futexes, on lines of their own.
    alignas(64) std::atomic<uint32_t> asked{0};
    alignas(64) std::atomic<uint32_t> answered{0};
    alignas(64) std::atomic<uint32_t> stage{0};
    std::atomic<uint32_t> events{0};
    std::atomic<uint32_t> violated{0};
    std::atomic<uint64_t> log_bytes{0};
    Call call;
    Reply reply;
    std::array<char, 4096> text;
  };

  CallChannel(void* memory, size_t bytes, size_t max_operations, size_t log_bytes, bool spin);
  void Publish();
  // Looks at `word` for a while as long as it is `value`; what it is then.
  uint32_t Spin(const std::atomic<uint32_t>& word, uint32_t value);

  Shared* const shared_;
  const size_t mapped_bytes_;
  const size_t max_operations_;
  const size_t log_bytes_;
  const bool spin_;  // there is another processor that may answer meanwhile
  int spins_;        // looks, before sleep: fewer where they were in vain
  Operation* const operations_;
  uint8_t* const log_;
  uint32_t serial_ = 0;  // of the last call, at either end
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_CALL_CHANNEL_H_
