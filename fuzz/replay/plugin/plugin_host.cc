#include "fuzz/replay/plugin/plugin_host.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "fuzz/replay/event_digest.h"
#include "fuzz/replay/plugin/event_sink.h"
#include "fuzz/replay/plugin/module.h"
#include "fuzz/replay/plugin/player.h"

namespace pushpull::replay {
namespace {

constexpr int kSliceMs = 10;
constexpr uint32_t kDeathsOfAHang = 16;
constexpr size_t kDeathsWithOutput = 256;
constexpr char kHung[] = "hung";
constexpr size_t kLeastOperations = 1 << 16;
constexpr size_t kLeastLogBytes = 32 << 20;
// Of the reply to the call that isn't a delivery.
enum LoadResult : uint32_t { kLoaded, kNoFile, kNoPlugin };

uint64_t DigestOf(const PluginHost::Death& death) {
  EventDigest digest;
  digest.Add(base::AsBytes(death.kind));
  digest.Add(base::AsBytes(death.text));
  return digest.value();
}

void AddDeath(const PluginHost::Death& death, std::string_view more, v1::EventLog* log) {
  v1::OtherEvent& event = *log->add_event()->mutable_other();
  event.set_kind(death.kind);
  event.set_text(absl::StrCat(death.text, std::string(more)));
}

}  // namespace

PluginOptions PluginOptions::Parse(std::string_view text) {
  PluginOptions options;
  const size_t comma = text.find(',');
  options.path = std::string(text.substr(0, comma));
  if (comma != std::string_view::npos) options.options = std::string(text.substr(comma + 1));
  return options;
}

absl::StatusOr<std::unique_ptr<PluginHost>> PluginHost::Create(PluginOptions options) {
  std::unique_ptr<PluginHost> host(new PluginHost(std::move(options)));
  PUSHPULL_ASSIGN_OR_RETURN(host->channel_, CallChannel::Create(0, 0));
  PUSHPULL_RETURN_IF_ERROR(host->StartChild());
  host->child_.reset();
  return host;
}

absl::Status PluginHost::Error(absl::Status status) const {
  return absl::Status(status.code(),
                      absl::StrCat("plug-in ", options_.path, " ", status.message()));
}

std::string PluginHost::name() const {
  return absl::StrCat("plugin ", plugin_name_,
                      options_.options.empty() ? "" : "," + options_.options);
}

absl::Status PluginHost::StartChild() {
  child_.reset();
  channel_->Clear();
  PUSHPULL_ASSIGN_OR_RETURN(
      child_, ChildProcess::Start({options_.address_space_bytes}, [this] { return RunChild(); }));
  ++children_;
  channel_->Ask();
  Death death;
  if (!Answered(&death)) {
    return Error(
        absl::InvalidArgumentError(absl::StrCat(death.kind, ": ", death.text, "\n", death.output)));
  }
  const CallChannel::Reply reply = channel_->reply();
  const std::string text = Printable(channel_->text());
  if (reply.result == kNoFile) return Error(absl::NotFoundError(text));
  if (reply.result != kLoaded) return Error(absl::InvalidArgumentError(text));
  plugin_name_ = text;
  capabilities_ = reply.capabilities;
  return absl::OkStatus();
}

// ---- in the child ------------------------------------------------------------------------------

int PluginHost::RunChild() {
  std::atomic<uint32_t>* const stage = channel_->stage_cell();
  channel_->WaitForCall();
  stage->store(static_cast<uint32_t>(PluginStage::kLoad));
  const absl::StatusOr<pushpull_receiver> plugin = LoadPlugin(options_.path);
  stage->store(static_cast<uint32_t>(PluginStage::kHost));
  CallChannel::Reply reply;
  if (!plugin.ok()) {
    channel_->SetText(base::FromAbsl(plugin.status().message()));
    reply.result = absl::IsNotFound(plugin.status()) ? kNoFile : kNoPlugin;
    channel_->Answer(reply);
    return 0;
  }
  channel_->SetText(plugin->name);
  reply.capabilities = plugin->capabilities;
  reply.result = kLoaded;
  if (trace_ == nullptr) {
    channel_->Answer(reply);
    return 0;
  }
  PluginPlayer player(&*plugin, trace_, &plan_,
                      {.plugin_options = options_.options,
                       .stage = stage,
                       .events = channel_->events_cell(),
                       .violation = [this](std::string_view text) {
                         channel_->SetText(text);
                         channel_->SetViolated();
                         _exit(1);
                       }});
  channel_->Answer(reply);
  while (true) PlayInChild(player);
}

void PluginHost::PlayInChild(PluginPlayer& player) {
  Delivery delivery;
  bool with_log = false;
  channel_->WaitForCall();
  CallChannel::Reply reply;
  if (channel_->ReadDelivery(&delivery, &with_log)) {
    EventSink::WriteEvent write;
    if (with_log) {
      write = [this](const v1::Event& event) {
        if (channel_->WriteEvent(event)) return;
        channel_->SetText("more events than there is room for");
        channel_->SetViolated();
        _exit(1);
      };
    }
    const Played played = player.Play(delivery, std::move(write));
    reply.result = static_cast<uint32_t>(played.result);
    reply.events = player.events();
    reply.events_digest = player.events_digest();
    reply.spans_digest = player.spans_digest();
    if (played.result != Played::Result::kPlayed) channel_->SetText(played.text);
  }
  channel_->Answer(reply);
}

// ---- in the parent -----------------------------------------------------------------------------

bool PluginHost::Answered(Death* death) {
  CallChannel::Wait wait = CallChannel::Wait::kNotYet;
  // Counted, not measured: a clock would tell nothing more.
  for (int waited_ms = 0; waited_ms < options_.deadline_ms; waited_ms += kSliceMs) {
    wait = channel_->WaitForAnswer(kSliceMs);
    if (wait == CallChannel::Wait::kAnswered) return true;
    if (wait == CallChannel::Wait::kGarbled) break;
    if (!child_->Ended()) continue;
    // It may have answered with its last breath.
    if (channel_->WaitForAnswer(0) == CallChannel::Wait::kAnswered) return true;
    Describe(wait, death);
    child_.reset();
    return false;
  }
  Describe(wait, death);
  child_.reset();
  return false;
}

void PluginHost::Describe(CallChannel::Wait wait, Death* death) {
  const std::string_view stage = PluginStageName(static_cast<PluginStage>(channel_->stage()));
  const std::string where = stage.empty() ? "" : absl::StrCat(" ", std::string(stage));
  if (wait == CallChannel::Wait::kGarbled) {
    death->kind = "garbled";
    death->text = absl::StrCat("answers that can't be", where);
  } else if (!child_->Ended()) {
    death->kind = kHung;
    death->text = absl::StrCat("no answer within ", options_.deadline_ms, " ms", where);
  } else if (channel_->violated()) {
    death->kind = "violation";
    death->text = absl::StrCat(Printable(channel_->text()), where);
  } else {
    const std::string end = child_->End();
    death->kind = end.substr(0, 3) == "SIG" ? "crashed" : "exited";
    death->text = absl::StrCat(end, where);
  }
  child_->Kill();
  death->output = child_->Output();
}

absl::Status PluginHost::CheckCapabilities(const Trace& trace) const {
  const auto lacks = [this](uint64_t bit) { return (capabilities_ & bit) == 0; };
  const auto refuse = [&](std::string_view what, std::string_view bit) {
    return absl::UnimplementedError(absl::StrCat("plug-in ", plugin_name_, " doesn't take ",
                                                 std::string(what), " (", std::string(bit),
                                                 " isn't among its capabilities)"));
  };
  const Parameters& parameters = trace.parameters;
  if (trace.direction == Direction::kToTarget && lacks(PUSHPULL_CAP_TO_TARGET)) {
    return refuse("what is sent to a target", "PUSHPULL_CAP_TO_TARGET");
  }
  if (trace.direction == Direction::kToInitiator && lacks(PUSHPULL_CAP_TO_INITIATOR)) {
    return refuse("what is sent to an initiator", "PUSHPULL_CAP_TO_INITIATOR");
  }
  if (parameters.login_pdus > 0 && lacks(PUSHPULL_CAP_LOGIN)) {
    return refuse("a login", "PUSHPULL_CAP_LOGIN");
  }
  if (parameters.header_digest && lacks(PUSHPULL_CAP_HEADER_DIGEST)) {
    return refuse("header digests", "PUSHPULL_CAP_HEADER_DIGEST");
  }
  if (parameters.data_digest && lacks(PUSHPULL_CAP_DATA_DIGEST)) {
    return refuse("data digests", "PUSHPULL_CAP_DATA_DIGEST");
  }
  if (lacks(PUSHPULL_CAP_PULL) && (parameters.header_digest || parameters.data_digest)) {
    return refuse("digests in pushed PDUs", "PUSHPULL_CAP_PULL");
  }
  return absl::OkStatus();
}

absl::Status PluginHost::Open(const Trace& trace) {
  PUSHPULL_RETURN_IF_ERROR(CheckCapabilities(trace));
  child_.reset();
  trace_ = &trace;
  first_good_.reset();
  deaths_in_trace_ = 0;
  plan_ = (capabilities_ & PUSHPULL_CAP_STIMULUS) != 0 ? PlanRequests(trace) : RequestPlan();
  // An operation for each byte, with as many waits; events as many as an EventSink takes.
  PUSHPULL_ASSIGN_OR_RETURN(
      channel_, CallChannel::Create(std::max(kLeastOperations, 4 * trace.bytes.size() + 16),
                                    kLeastLogBytes + 4 * trace.bytes.size()));
  PUSHPULL_RETURN_IF_ERROR(StartChild());
  // Does it want this trace at all?
  Death death;
  PUSHPULL_RETURN_IF_ERROR(channel_->Ask(Whole(trace, sources().front()), /*with_log=*/false));
  if (!Answered(&death)) return absl::OkStatus();  // for Play() to find again
  const auto result = static_cast<Played::Result>(channel_->reply().result);
  if (result != Played::Result::kUnsupported) return absl::OkStatus();
  return Error(absl::UnimplementedError(
      absl::StrCat("doesn't take this trace", Printable(channel_->text()))));
}

std::vector<Source> PluginHost::sources() const {
  std::vector<Source> sources;
  if (capabilities_ & PUSHPULL_CAP_PULL) sources.push_back(Source::kTcp);
  // A pushed PDU has no digests (RFC 7145 §6.1).
  const bool digests = trace_->parameters.header_digest || trace_->parameters.data_digest;
  if ((capabilities_ & PUSHPULL_CAP_PUSH) && !digests) sources.push_back(Source::kPush);
  return sources;
}

bool PluginHost::push_equals_pull() const {
  // A stream ends inside a PDU where a message is too short: that is told otherwise.
  return !trace_->has_tail();
}

absl::StatusOr<Outcome> PluginHost::Play(const Delivery& delivery) {
  Outcome outcome;
  if (deaths_in_trace_ >= options_.max_deaths) {
    const Death* const known = DeathOf(delivery);
    if (known == nullptr && first_good_.has_value()) return *first_good_;
    outcome.events_digest = DigestOf(known == nullptr ? deaths_.back() : *known);
    outcome.fault = true;
    return outcome;
  }
  if (child_ == nullptr) PUSHPULL_RETURN_IF_ERROR(StartChild());
  PUSHPULL_RETURN_IF_ERROR(channel_->Ask(delivery, /*with_log=*/false));
  Death death;
  if (!Answered(&death)) {
    death.trace = trace_->name;
    death.delivery = delivery;
    outcome.events_digest = DigestOf(death);
    outcome.events = channel_->events();
    outcome.fault = true;
    deaths_in_trace_ += death.kind == kHung ? kDeathsOfAHang : 1;
    if (deaths_.size() >= kDeathsWithOutput) death.output.clear();
    deaths_.push_back(std::move(death));
    return outcome;
  }
  const CallChannel::Reply reply = channel_->reply();
  outcome.events_digest = reply.events_digest;
  outcome.spans_digest = reply.spans_digest;
  outcome.events = reply.events;
  outcome.fault = static_cast<Played::Result>(reply.result) != Played::Result::kPlayed;
  if (!first_good_.has_value() && !outcome.fault) first_good_ = outcome;
  return outcome;
}

absl::StatusOr<v1::EventLog> PluginHost::PlayForLog(const Delivery& delivery) {
  PUSHPULL_RETURN_IF_ERROR(StartChild());
  PUSHPULL_RETURN_IF_ERROR(channel_->Ask(delivery, /*with_log=*/true));
  v1::EventLog log;
  Death death;
  const bool answered = Answered(&death);
  if (!channel_->ReadLog(&log) && answered) {
    death.kind = "garbled";
    death.text = "events that can't be read";
    AddDeath(death, "", &log);
  }
  last_words_ = death.output;
  if (!answered) {
    AddDeath(death, "", &log);
    return log;
  }
  const Death* const earlier = DeathOf(delivery);
  if (earlier == nullptr) return log;
  AddDeath(*earlier, ", though not when it was played alone", &log);
  last_words_ = earlier->output;
  return log;
}

const PluginHost::Death* PluginHost::DeathOf(const Delivery& delivery) const {
  const auto found = std::find_if(deaths_.rbegin(), deaths_.rend(), [&](const Death& death) {
    return death.delivery == delivery && death.trace == trace_->name;
  });
  return found == deaths_.rend() ? nullptr : &*found;
}

}  // namespace pushpull::replay
