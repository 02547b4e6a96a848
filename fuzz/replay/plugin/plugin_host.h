// A receiver that somebody else brought (receiver_plugin.h), in a child process: its death is a
// finding and not ours.

#ifndef FUZZ_REPLAY_PLUGIN_PLUGIN_HOST_H_
#define FUZZ_REPLAY_PLUGIN_PLUGIN_HOST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/plugin/call_channel.h"
#include "fuzz/replay/plugin/child_process.h"
#include "fuzz/replay/plugin/requests.h"
#include "fuzz/replay/receiver.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {

struct PluginOptions {
  std::string path;     // of the shared object
  std::string options;  // handed to its open()
  // A delivery that takes longer is a hang.
  int deadline_ms = 10000;
  // Of one trace, a hang counting for 16: deliveries beyond that are not played any more.
  uint32_t max_deaths = 512;
  uint64_t address_space_bytes = 0;  // RLIMIT_AS of the child; 0: none

  // "LIB.so[,OPTIONS]".
  static PluginOptions Parse(std::string_view text);
};

// One child plays many deliveries of a trace; a new one takes over where it died, and for each
// trace. Where that was too often, a delivery that isn't known to be deadly counts as what the
// trace's first one that wasn't came to: whoever looks for the least that is deadly keeps what he
// found. Used from one thread, which must live as long as the host.
class PluginHost : public Receiver {
 public:
  // How the plug-in died, or broke the ABI.
  struct Death {
    std::string trace;
    Delivery delivery;
    std::string kind;    // "crashed", "exited", "hung", "violation", "garbled"
    std::string text;    // "SIGSEGV (Segmentation fault) in poll()"
    std::string output;  // the last lines that the child printed; of the first deaths only
  };

  // Loads the plug-in once, to see that it can be. NOT_FOUND, INVALID_ARGUMENT: what is wrong with
  // the file, and what to do.
  static absl::StatusOr<std::unique_ptr<PluginHost>> Create(PluginOptions options);

  std::string name() const override;
  absl::Status Open(const Trace& trace) override;
  std::vector<Source> sources() const override;
  bool push_equals_pull() const override;
  absl::StatusOr<Outcome> Play(const Delivery& delivery) override;
  // In a child of its own, which played nothing before. A death is the log's last event.
  absl::StatusOr<v1::EventLog> PlayForLog(const Delivery& delivery) override;
  std::string last_words() const override { return last_words_; }

  uint64_t capabilities() const { return capabilities_; }
  // Of all traces, in order; not those of PlayForLog.
  const std::vector<Death>& deaths() const { return deaths_; }
  // How many children there were, in all traces.
  uint64_t children() const { return children_; }

 private:
  explicit PluginHost(PluginOptions options) : options_(std::move(options)) {}

  // A child that has loaded the plug-in, and plays `trace_` where there is one.
  absl::Status StartChild();
  int RunChild();
  void PlayInChild(class PluginPlayer& player);
  absl::Status CheckCapabilities(const Trace& trace) const;
  // Waits for the answer to what was asked. False: there is none, and the child is gone.
  bool Answered(Death* death);
  void Describe(CallChannel::Wait wait, Death* death);
  absl::Status Error(absl::Status status) const;
  // In the open trace; null for none.
  const Death* DeathOf(const Delivery& delivery) const;

  const PluginOptions options_;
  std::string plugin_name_;
  uint64_t capabilities_ = 0;
  uint64_t children_ = 0;

  const Trace* trace_ = nullptr;
  RequestPlan plan_;
  std::unique_ptr<CallChannel> channel_;
  std::unique_ptr<ChildProcess> child_;  // null: to be started
  std::optional<Outcome> first_good_;    // of the trace
  uint32_t deaths_in_trace_ = 0;         // as max_deaths counts them
  std::vector<Death> deaths_;
  std::string last_words_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_PLUGIN_PLUGIN_HOST_H_
