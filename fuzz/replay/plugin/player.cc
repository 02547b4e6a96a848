#include "fuzz/replay/plugin/player.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace pushpull::replay {
namespace {

constexpr size_t kPostedBuffers = 16;
constexpr uint64_t kWouldBlockMark = 1;  // in the digest of spans, besides counts
constexpr size_t kTagOffset = 16;
constexpr size_t kExpCmdSnOffset = 28;
constexpr size_t kMaxCmdSnOffset = 32;
constexpr size_t kMaxNoteBytes = 2048;

uint32_t Flag(bool value) { return value ? 1 : 0; }

}  // namespace

std::string_view PluginStageName(PluginStage stage) {
  switch (stage) {
    case PluginStage::kHost:
      return "between two calls";
    case PluginStage::kLoad:
      return "while it was loaded";
    case PluginStage::kOpen:
      return "in open()";
    case PluginStage::kStimulus:
      return "in stimulus()";
    case PluginStage::kPush:
      return "in push()";
    case PluginStage::kPoll:
      return "in poll()";
    case PluginStage::kClose:
      return "in close()";
  }
  return "";
}

class PluginPlayer::Host {
 public:
  static PluginPlayer& Of(void* context) { return *static_cast<PluginPlayer*>(context); }

  static int64_t Recv(void* context, void* buffer, size_t size) {
    PluginPlayer& player = Of(context);
    if (size == 0 || buffer == nullptr) player.options_.violation("recv() into no room");
    ++player.reads_;
    if (player.not_yet_before_each_read_ && !player.said_not_yet_) {
      player.said_not_yet_ = true;
      return PUSHPULL_WOULD_BLOCK;
    }
    const size_t n = std::min(size, player.available_ - player.taken_);
    if (n == 0) {
      if (!player.peer_ended_) return PUSHPULL_WOULD_BLOCK;
      player.told_end_ = true;
      return PUSHPULL_END;
    }
    std::memcpy(buffer, player.stream_.data() + player.taken_, n);
    player.taken_ += n;
    player.said_not_yet_ = false;
    player.spans_.Add(n << 1);
    return static_cast<int64_t>(n);
  }

  static int64_t Send(void*, const void*, size_t size) { return static_cast<int64_t>(size); }

  static void Event(void* context, const pushpull_event* event) {
    PluginPlayer& player = Of(context);
    if (event == nullptr) player.options_.violation("event() without an event");
    const std::string wrong = player.sink_.Add(*event);
    if (!wrong.empty()) player.options_.violation(wrong);
    player.options_.events->store(player.sink_.events(), std::memory_order_relaxed);
  }

  static void Repost(void* context, uint64_t buffer_id) {
    PluginPlayer& player = Of(context);
    if (!player.buffers_.TakeBack(buffer_id)) {
      player.options_.violation(
          absl::StrCat("repost() of buffer ", buffer_id, ", which it doesn't have"));
    }
  }

  static void Note(void* context, const char* text) {
    PluginPlayer& player = Of(context);
    if (text == nullptr || player.note_.size() >= kMaxNoteBytes) return;
    absl::StrAppend(&player.note_, player.note_.empty() ? "" : "; ",
                    std::string(text, strnlen(text, kMaxNoteBytes)));
  }
};

PluginPlayer::PluginPlayer(const pushpull_receiver* plugin, const Trace* trace,
                           const RequestPlan* plan, Options options)
    : plugin_(plugin),
      trace_(trace),
      plan_(plan),
      options_(std::move(options)),
      sink_((plugin->capabilities & PUSHPULL_CAP_EVENTS_DATA_ONLY) != 0,
            {.events = 4 * trace->messages() + 4096, .bytes = 4 * trace->bytes.size() + (1 << 20)},
            plan->requests.empty() ? EventSink::RestoreNumbers()
                                   : [this](base::MutableBytes bhs) { RestoreNumbers(bhs); }) {
  const Parameters& given = trace->parameters;
  parameters_.struct_size = sizeof(parameters_);
  parameters_.header_digest = Flag(given.header_digest);
  parameters_.data_digest = Flag(given.data_digest);
  parameters_.max_recv_data_segment_length = given.max_recv_data_segment_length;
  parameters_.max_ahs_length = given.max_ahs_bytes;
  parameters_.max_burst_length = given.max_burst_length;
  parameters_.first_burst_length = given.first_burst_length;
  parameters_.initial_r2t = Flag(given.initial_r2t);
  parameters_.immediate_data = Flag(given.immediate_data);
  parameters_.login_pdus = static_cast<uint32_t>(given.login_pdus);

  host_.struct_size = sizeof(host_);
  host_.abi_version = PUSHPULL_RECEIVER_ABI_VERSION;
  host_.context = this;
  host_.recv = Host::Recv;
  host_.send = Host::Send;
  host_.event = Host::Event;
  host_.repost = Host::Repost;
  host_.note = Host::Note;
}

Played PluginPlayer::Play(const Delivery& delivery, EventSink::WriteEvent write) {
  sink_.Begin(std::move(write));
  spans_ = EventDigest();
  note_.clear();
  const int opened = Open(delivery);
  if (opened != PUSHPULL_OK) {
    Stage(PluginStage::kHost);
    Played refused = Refused(opened);
    if (refused.result == Played::Result::kFault) sink_.AddOther("stuck", refused.text);
    return refused;
  }
  const int asked = Stimulate();
  Played played = asked == PUSHPULL_OK ? Operate(delivery) : Refused(asked);
  Close();
  sink_.Finish();
  if (played.result == Played::Result::kFault) sink_.AddOther("stuck", played.text);
  return played;
}

int PluginPlayer::Open(const Delivery& delivery) {
  push_ = delivery.source == Source::kPush;
  not_yet_before_each_read_ = delivery.not_yet_before_each_read;
  stream_ = push_ ? base::Bytes() : base::Bytes(trace_->bytes);
  available_ = taken_ = next_message_ = 0;
  last_result_ = PUSHPULL_OK;
  said_not_yet_ = peer_ended_ = told_end_ = false;
  size_t posted = 0;
  if (push_) {
    posted = delivery.slots != 0 ? delivery.slots : std::max(kPostedBuffers, trace_->messages());
    size_t longest = trace_->tail().size();
    for (const PduBorders& pdu : trace_->pdus) longest = std::max(longest, pdu.end - pdu.begin);
    const absl::Status room = buffers_.Reserve(posted, std::max<size_t>(longest, 1));
    if (!room.ok()) {
      note_ = std::string(room.message());
      return PUSHPULL_BROKEN;
    }
    buffers_.Reset(posted);
  }
  pushpull_open open = {};
  open.struct_size = sizeof(open);
  open.direction =
      trace_->direction == Direction::kToTarget ? PUSHPULL_TO_TARGET : PUSHPULL_TO_INITIATOR;
  open.phase =
      trace_->parameters.login_pdus > 0 ? PUSHPULL_PHASE_LOGIN : PUSHPULL_PHASE_FULL_FEATURE;
  open.transport = push_ ? PUSHPULL_PUSH : PUSHPULL_PULL;
  open.parameters = &parameters_;
  open.host = &host_;
  open.options = options_.plugin_options.c_str();
  open.posted_buffers = static_cast<uint32_t>(posted);
  open.first_stat_sn = plan_->first_stat_sn;
  receiver_ = nullptr;
  Stage(PluginStage::kOpen);
  return plugin_->open(&open, &receiver_);
}

int PluginPlayer::Stimulate() {
  if (plan_->requests.empty()) return PUSHPULL_OK;
  Stage(PluginStage::kStimulus);
  chosen_.tags.assign(plan_->requests.size(), 0);
  chosen_.cmd_sn_offset = 0;
  for (size_t i = 0; i < chosen_.tags.size(); ++i) {
    const Request& asked = plan_->requests[i];
    pushpull_request request = {};
    request.struct_size = sizeof(request);
    request.opcode = asked.opcode;
    request.initiator_task_tag = asked.initiator_task_tag;
    request.read = Flag(asked.read);
    request.write = Flag(asked.write);
    request.expected_data_transfer_length = asked.expected_data_transfer_length;
    request.lun = asked.lun;
    pushpull_chosen chosen = {};
    chosen.struct_size = sizeof(chosen);
    const int result = plugin_->stimulus(receiver_, &request, &chosen);
    if (result != PUSHPULL_OK) return result;
    chosen_.tags[i] = chosen.initiator_task_tag;
    if (chosen.has_next_cmd_sn != 0) {
      chosen_.cmd_sn_offset = chosen.next_cmd_sn - plan_->last_exp_cmd_sn;
    }
  }
  rewritten_ = trace_->bytes;
  WriteNumbers(*trace_, *plan_, chosen_, rewritten_);
  if (!push_) stream_ = rewritten_;
  return PUSHPULL_OK;
}

Played PluginPlayer::Operate(const Delivery& delivery) {
  const std::vector<Operation>& operations = delivery.operations;
  const base::Bytes bytes = plan_->requests.empty() ? base::Bytes(trace_->bytes) : rewritten_;
  messages_.clear();
  if (push_) {
    for (const PduBorders& pdu : trace_->pdus) {
      messages_.push_back(bytes.subspan(pdu.begin, pdu.end - pdu.begin));
    }
    if (trace_->has_tail()) messages_.push_back(bytes.subspan(trace_->tail_begin));
  }
  for (size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    bool go_on = true;
    std::string stuck;
    switch (operation.kind) {
      case Operation::Kind::kFeed:
        available_ = std::min(available_ + operation.count, stream_.size());
        break;
      case Operation::Kind::kNotYet:
        break;
      case Operation::Kind::kPush:
        go_on = Push(operation.count, &stuck);
        break;
      case Operation::Kind::kEnd:
        peer_ended_ = true;
        break;
    }
    if (delivery.end_with_last && i + 2 == operations.size()) peer_ended_ = true;
    go_on = go_on && Poll();
    if (!stuck.empty()) return {Played::Result::kFault, stuck};
    if (!go_on) break;
  }
  if (last_result_ >= 0) return {};
  return {Played::Result::kFault, absl::StrCat("gave up with ", last_result_, Why())};
}

bool PluginPlayer::Push(size_t messages, std::string* stuck) {
  for (size_t i = 0; i < messages && next_message_ < messages_.size(); ++i) {
    const base::Bytes message = messages_[next_message_];
    PostedBuffers::Posted posted = buffers_.Lend(message.size());
    if (posted.bytes.empty()) {
      if (!Poll()) return false;
      posted = buffers_.Lend(message.size());
    }
    if (posted.bytes.empty()) {
      *stuck = absl::StrCat("keeps all ", buffers_.buffers(), " posted buffers: message ",
                            next_message_ + 1, " of ", messages_.size(), " finds none");
      return false;
    }
    std::memcpy(posted.bytes.data(), message.data(), message.size());
    ++next_message_;
    spans_.Add(message.size() << 1);
    Stage(PluginStage::kPush);
    if (Ended(plugin_->push(receiver_, posted.bytes.data(), posted.bytes.size(), posted.id))) {
      return false;
    }
  }
  return true;
}

bool PluginPlayer::Poll() {
  spans_.Add(kWouldBlockMark);
  while (true) {
    const size_t taken = taken_;
    const uint32_t reads = reads_;
    const bool not_yet = said_not_yet_;
    Stage(PluginStage::kPoll);
    if (Ended(plugin_->poll(receiver_)) || told_end_) return false;
    const bool more = taken_ < available_ || peer_ended_;
    // It got somewhere, or was told "not yet" where there is something.
    const bool moved = taken_ != taken || (said_not_yet_ && !not_yet);
    if (!more || !moved || reads_ == reads) return true;
  }
}

bool PluginPlayer::Ended(int result) {
  last_result_ = result;
  return result != PUSHPULL_OK || sink_.fatal();
}

void PluginPlayer::Close() {
  Stage(PluginStage::kClose);
  plugin_->close(receiver_);
  Stage(PluginStage::kHost);
  receiver_ = nullptr;
}

std::string PluginPlayer::Why() const {
  return note_.empty() ? " and no note() why" : ": " + Printable(note_);
}

Played PluginPlayer::Refused(int result) const {
  if (result == PUSHPULL_UNSUPPORTED) return {Played::Result::kUnsupported, Why()};
  return {Played::Result::kFault, absl::StrCat("gave up with ", result, Why())};
}

void PluginPlayer::RestoreNumbers(base::MutableBytes bhs) const {
  for (const size_t offset : {kExpCmdSnOffset, kMaxCmdSnOffset}) {
    base::StoreBe32(&bhs[offset], base::LoadBe32(&bhs[offset]) - chosen_.cmd_sn_offset);
  }
  const uint32_t tag = base::LoadBe32(&bhs[kTagOffset]);
  const auto found = std::find(chosen_.tags.begin(), chosen_.tags.end(), tag);
  if (found == chosen_.tags.end()) return;
  const auto request = static_cast<size_t>(found - chosen_.tags.begin());
  base::StoreBe32(&bhs[kTagOffset], plan_->requests[request].initiator_task_tag);
}

}  // namespace pushpull::replay
