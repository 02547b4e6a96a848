// Plays deliveries to a plug-in that is loaded in this process, which is a child that may die of
// it.

#ifndef FUZZ_REPLAY_PLUGIN_PLAYER_H_
#define FUZZ_REPLAY_PLUGIN_PLAYER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/event_digest.h"
#include "fuzz/replay/plugin/event_sink.h"
#include "fuzz/replay/plugin/posted_buffers.h"
#include "fuzz/replay/plugin/requests.h"
#include "fuzz/replay/receiver_plugin.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// Which of the plug-in's functions is running: what a death is told with.
enum class PluginStage : uint32_t {
  kHost,  // none: our own code
  kLoad,
  kOpen,
  kStimulus,
  kPush,
  kPoll,
  kClose,
};
std::string_view PluginStageName(PluginStage stage);  // "in poll()"; "" for values that don't exist

struct Played {
  enum class Result : uint32_t {
    kPlayed,       // to the end, or to where the receiver wanted no more
    kFault,        // the receiver got stuck, or said that it can't go on; `text` says how
    kUnsupported,  // it doesn't take this trace; `text` is its reason
  };
  Result result = Result::kPlayed;
  std::string text;
};

class PluginPlayer {
 public:
  struct Options {
    std::string plugin_options;
    // Where the player says what it does, before it does it; outlives the player.
    std::atomic<uint32_t>* stage = nullptr;
    std::atomic<uint32_t>* events = nullptr;  // how many were told
    // The plug-in broke the ABI, with the plug-in's frames below: doesn't return.
    absl::AnyInvocable<void(std::string_view text)> violation;
  };

  // `plugin` stays; `trace` and `plan` live longer than the player.
  PluginPlayer(const pushpull_receiver* plugin, const Trace* trace, const RequestPlan* plan,
               Options options);
  PluginPlayer(const PluginPlayer&) = delete;
  PluginPlayer& operator=(const PluginPlayer&) = delete;

  // `write` gets each event; null for the hot path. The delivery is one of the trace's.
  Played Play(const Delivery& delivery, EventSink::WriteEvent write);

  // Of what was played last.
  uint64_t events_digest() const { return sink_.digest(); }
  uint64_t spans_digest() const { return spans_.value(); }
  uint32_t events() const { return sink_.events(); }

 private:
  class Host;  // the callbacks

  int Open(const Delivery& delivery);
  // One for each request of the plan.
  int Stimulate();
  Played Operate(const Delivery& delivery);
  // False where the delivery is over. `stuck` is set where it shouldn't be.
  bool Push(size_t messages, std::string* stuck);
  bool Poll();
  bool Ended(int result);
  void Close();
  // By open() or stimulus().
  Played Refused(int result) const;
  std::string Why() const;
  void RestoreNumbers(base::MutableBytes bhs) const;
  void Stage(PluginStage stage) {
    options_.stage->store(static_cast<uint32_t>(stage), std::memory_order_relaxed);
  }

  const pushpull_receiver* const plugin_;
  const Trace* const trace_;
  const RequestPlan* const plan_;
  Options options_;
  pushpull_parameters parameters_ = {};
  pushpull_host host_ = {};
  EventSink sink_;
  EventDigest spans_;
  PostedBuffers buffers_;
  ChosenNumbers chosen_;               // by the receiver
  std::vector<uint8_t> rewritten_;     // trace.bytes with them
  std::vector<base::Bytes> messages_;  // what is pushed

  // Of the current delivery.
  void* receiver_ = nullptr;
  base::Bytes stream_;
  bool push_ = false;
  bool not_yet_before_each_read_ = false;
  bool said_not_yet_ = false;  // for the read that comes next
  size_t available_ = 0;       // of stream_ has come
  size_t taken_ = 0;           // of that
  size_t next_message_ = 0;
  bool peer_ended_ = false;
  bool told_end_ = false;  // to the receiver
  uint32_t reads_ = 0;
  int last_result_ = PUSHPULL_OK;
  std::string note_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_PLAYER_H_
