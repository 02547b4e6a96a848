#include "fuzz/replay/window_receiver.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "fuzz/replay/event_digest.h"
#include "target/pdu/bhs.h"
#include "target/pdu/opcode.h"
#include "target/rx/block_pool.h"
#include "target/rx/byte_source.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/session_window.h"

namespace pushpull::replay {
namespace {

using target::BhsView;
using target::Opcode;
using target::SessionWindow;
using ImmediateSlot = SessionWindow::ImmediateSlot;
using Verdict = SessionWindow::Verdict;

bool IsNumbered(BhsView bhs) {
  return !target::IsTargetOpcode(bhs.opcode()) && bhs.opcode() != Opcode::kDataOut &&
         bhs.opcode() != Opcode::kSnackRequest;
}
bool IsTaskManagement(BhsView bhs) { return bhs.opcode() == Opcode::kTaskManagementRequest; }

struct InSlot {
  void Place(const target::PduSlot&, target::Placement&) {}
};

// One delivery's session.
class Account {
 public:
  Account(uint32_t first_cmd_sn, uint32_t commands, const target::BugSet& bugs, v1::EventLog* log)
      : commands_(commands), window_(first_cmd_sn, commands, bugs), log_(log) {
    connection_ = window_.Join({.slots = commands + kKept});
    window_.Advertise();
  }

  void Take(BhsView bhs) {
    if (!IsNumbered(bhs)) return;
    if (bhs.immediate()) {
      const ImmediateSlot slot = window_.TakeImmediate(connection_, IsTaskManagement(bhs));
      Say(bhs, slot == ImmediateSlot::kRefused ? "is refused" : "is taken");
      if (slot != ImmediateSlot::kRefused) immediate_.push_back(slot);
      return;
    }
    const Verdict verdict = window_.Receive(connection_, bhs.cmd_sn());
    const bool taken = verdict == Verdict::kInOrder || verdict == Verdict::kEarly;
    if (taken) ++held_;
    Say(bhs, taken ? "is taken" : "is ignored");
  }

  // Tells the window, then answers all that was taken, in its order by kind.
  void EndTurn() {
    const uint32_t told = window_.max_cmd_sn();
    window_.Advertise();
    if (static_cast<int32_t>(window_.max_cmd_sn() - told) < 0) Fault("MaxCmdSN went back");
    for (const ImmediateSlot slot : std::exchange(immediate_, {})) {
      window_.GiveImmediate(connection_, slot);
    }
    for (uint32_t held = std::exchange(held_, 0); held > 0; --held) window_.Give(connection_);
  }

  // Everything was answered.
  void Finish() {
    window_.Advertise();
    if (window_.slots_held(connection_) != 0) Fault("a slot stays in the account");
    if (window_.max_cmd_sn() + 1 - window_.exp_cmd_sn() != commands_) {
      Fault("the window isn't as wide as what was pledged");
    }
    if (window_.TakeImmediate(connection_, true) != ImmediateSlot::kKeptForTaskManagement) {
      Fault("the slot kept for task management isn't free");
    }
    if (window_.TakeImmediate(connection_, false) != ImmediateSlot::kKeptForOther) {
      Fault("the slot kept for other immediate PDUs isn't free");
    }
  }

  Outcome outcome() const { return {digest_.value(), 0, events_, fault_}; }

 private:
  static constexpr uint32_t kKept =
      SessionWindow::kKeptForImmediates + SessionWindow::kKeptForReception;

  void Say(BhsView bhs, std::string_view what) {
    Add("request", absl::StrCat(std::string(target::OpcodeName(bhs.opcode())), " with CmdSN ",
                                bhs.cmd_sn(), " ", std::string(what)));
  }
  void Fault(std::string_view what) {
    fault_ = true;
    Add("fault", std::string(what));
  }
  void Add(const char* kind, std::string text) {
    ++events_;
    digest_.Add(text.size());
    digest_.Add(base::AsBytes(text));
    if (log_ == nullptr) return;
    v1::OtherEvent* const event = log_->add_event()->mutable_other();
    event->set_kind(kind);
    event->set_text(std::move(text));
  }

  const uint32_t commands_;
  SessionWindow window_;
  SessionWindow::ConnectionId connection_;
  uint32_t held_ = 0;
  std::vector<ImmediateSlot> immediate_;
  EventDigest digest_;
  uint32_t events_ = 0;
  bool fault_ = false;
  v1::EventLog* const log_;
};

class WindowReceiver final : public Receiver {
 public:
  explicit WindowReceiver(const target::BugSet& bugs) : bugs_(bugs) {}

  std::string name() const override { return "window"; }

  absl::Status Open(const Trace& trace) override {
    trace_ = &trace;
    bytes_ = trace.bytes;
    first_cmd_sn_.reset();
    commands_ = 0;
    for (const PduBorders& pdu : trace.pdus) {
      const BhsView bhs(trace.bytes.data() + pdu.begin);
      if (!IsNumbered(bhs)) continue;
      if (!first_cmd_sn_.has_value()) first_cmd_sn_ = bhs.cmd_sn();
      if (!bhs.immediate()) ++commands_;
    }
    if (trace.parameters.login_pdus > 0 || commands_ == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(trace.name, ": needs commands, and no login before them"));
    }
    return absl::OkStatus();
  }

  std::vector<Source> sources() const override { return {Source::kBytes}; }

  absl::StatusOr<Outcome> Play(const Delivery& delivery) override {
    return PlayInto(delivery, nullptr);
  }
  absl::StatusOr<v1::EventLog> PlayForLog(const Delivery& delivery) override {
    v1::EventLog log;
    (void)PlayInto(delivery, &log);
    return log;
  }

 private:
  Outcome PlayInto(const Delivery& delivery, v1::EventLog* log) {
    Account account(*first_cmd_sn_, commands_, bugs_, log);
    const target::BlockPool::Handle pool = target::BlockPool::Create({});
    target::ByteSource source(bytes_, delivery.not_yet_before_each_read, pool.get());
    InSlot placer;
    target::PduQueue queue(delivery.queue_capacity);
    target::PduMachine machine(&source, &placer, &queue);
    const Parameters& parameters = trace_->parameters;
    machine.SetFraming({.header_digest = parameters.header_digest,
                        .data_digest = parameters.data_digest,
                        .max_recv_data_segment_length = parameters.max_recv_data_segment_length,
                        .max_ahs_bytes = parameters.max_ahs_bytes});
    for (const Operation& operation : delivery.operations) {
      if (operation.kind == Operation::Kind::kEnd) source.End();
      source.Feed(operation.count);
      target::RxStop stop;
      do {
        stop = machine.Poll();
        while (!queue.empty()) account.Take(queue.Pop()->bhs());
      } while (stop == target::RxStop::kQueueFull || source.refused());
      account.EndTurn();
      if (stop == target::RxStop::kFailed) break;
    }
    account.Finish();
    return account.outcome();
  }

  const target::BugSet bugs_;
  const Trace* trace_ = nullptr;
  std::vector<uint8_t> bytes_;
  std::optional<uint32_t> first_cmd_sn_;
  uint32_t commands_ = 0;
};

}  // namespace

std::unique_ptr<Receiver> MakeWindowReceiver(const target::BugSet& bugs) {
  return std::make_unique<WindowReceiver>(bugs);
}

}  // namespace pushpull::replay
