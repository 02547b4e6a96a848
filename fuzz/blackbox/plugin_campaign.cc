#include "fuzz/blackbox/plugin_campaign.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "fuzz/blackbox/plugin_cause.h"
#include "fuzz/blackbox/stream_grower.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/receiver_plugin.h"
#include "fuzz/replay/replay.h"
#include "fuzz/replay/reproducers.h"
#include "fuzz/replay/schedule.h"

namespace pushpull::fuzz {
namespace {

using replay::Delivery;
using replay::PluginHost;
using replay::Trace;

constexpr int kConfirmations = 3;
// What a host keeps of deaths, it keeps for ever.
constexpr uint64_t kStreamsOfAHost = 256;
constexpr uint64_t kMostDeliveries = 600;      // of a stream
constexpr uint64_t kPlaysToTellApart = 200;    // by which a finding's cause is found
constexpr uint64_t kPlaysAtTheEnd = 20'000;    // by which the least delivery is
constexpr uint32_t kMostDeathsInAStream = 64;  // a hang counts for 16
constexpr uint64_t kRefusedBeforeWeGiveUp = 2000;

StreamOptions OptionsOf(uint64_t seed, uint64_t capabilities) {
  const auto has = [capabilities](uint64_t bit) { return (capabilities & bit) != 0; };
  const bool pulls = has(PUSHPULL_CAP_PULL);
  return {.seed = seed,
          .to_target = has(PUSHPULL_CAP_TO_TARGET),
          .to_initiator = has(PUSHPULL_CAP_TO_INITIATOR),
          .header_digest = pulls && has(PUSHPULL_CAP_HEADER_DIGEST),
          .data_digest = pulls && has(PUSHPULL_CAP_DATA_DIGEST),
          .login = has(PUSHPULL_CAP_LOGIN),
          .ahs = has(PUSHPULL_CAP_AHS)};
}

class PluginCampaign {
 public:
  PluginCampaign(const PluginCampaignOptions& options, const conformance::ResultFolder* folder,
                 uint64_t capabilities)
      : options_(options),
        folder_(folder),
        grower_(options.seeds, OptionsOf(options.seed, capabilities)),
        start_(std::chrono::steady_clock::now()) {
    plugin_ = options.plugin;
    plugin_.max_deaths = std::min(plugin_.max_deaths, kMostDeathsInAStream);
  }

  absl::StatusOr<PluginOutcome> Do() {
    for (number_ = options_.first; !Over(); ++number_) {
      if ((number_ - options_.first) % kStreamsOfAHost == 0) {
        PUSHPULL_ASSIGN_OR_RETURN(host_, PluginHost::Create(plugin_));
      }
      PUSHPULL_RETURN_IF_ERROR(PlayOne());
      if (status_.streams == 0 && status_.refused >= kRefusedBeforeWeGiveUp) {
        return absl::OutOfRangeError(absl::StrCat(
            "the plug-in takes none of ", status_.refused, " streams: ", why_refused_,
            "; --suites DIR with traces that it takes (docs/PLUGINS.md) is what they can grow "
            "from"));
      }
      Tell("");
    }
    Tell("");
    PluginOutcome outcome;
    outcome.status = status_;
    outcome.texts = std::move(texts_);
    outcome.result = Result();
    return outcome;
  }

 private:
  // What a stream showed, with the delivery that shows it.
  struct Shown {
    PluginCause cause;
    replay::Finding finding;
  };

  bool Interrupted() const { return options_.interrupted != nullptr && *options_.interrupted; }
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  bool Over() const {
    return Interrupted() || absl::Seconds(Seconds()) >= options_.time ||
           (options_.runs != 0 && number_ - options_.first >= options_.runs);
  }
  void Tell(std::string doing) {
    status_.seconds = Seconds();
    status_.findings = results_.size();
    status_.doing = std::move(doing);
    if (options_.status) options_.status(status_);
  }

  replay::ReplayOptions HowToPlay(uint64_t number, uint64_t minimise_plays) const {
    replay::ReplayOptions options;
    // By the stream's own number, so that it is found again.
    auto schedule = replay::Schedule::Parse(
        absl::StrCat("fields,coalesce:2,random:", (options_.seed + number) % 1'000'000, ":24"));
    options.schedule = *std::move(schedule);
    options.budget.max_deliveries = kMostDeliveries;
    options.minimise.max_plays = minimise_plays;
    options.progress = [this](uint64_t, uint64_t) { return !Interrupted(); };
    options.minimising = [this](uint64_t) { return !Interrupted(); };
    return options;
  }

  // Plays the stream in each way that its number names. nullopt: nothing is wrong, or the receiver
  // doesn't take it.
  absl::StatusOr<std::optional<Shown>> Play(const Trace& trace, uint64_t number, PluginHost* host,
                                            uint64_t minimise_plays) {
    PUSHPULL_ASSIGN_OR_RETURN(
        replay::Replayed replayed,
        replay::ReplayTrace(trace, std::nullopt, host, HowToPlay(number, minimise_plays)));
    refused_ = std::move(replayed.refused);
    deliveries_ = replayed.result.deliveries;
    if (!replayed.finding.has_value()) return std::nullopt;
    Shown shown;
    shown.finding = *std::move(replayed.finding);
    PUSHPULL_ASSIGN_OR_RETURN(shown.cause, CauseNow(trace, shown.finding.least, host));
    if (shown.cause.id.empty()) return std::nullopt;
    return shown;
  }

  // Of one delivery, played again with its log; the host has the trace open.
  absl::StatusOr<PluginCause> CauseNow(const Trace& trace, const Delivery& least,
                                       PluginHost* host) {
    PUSHPULL_ASSIGN_OR_RETURN(const replay::Oracle oracle, replay::Oracle::Make(trace, host));
    PUSHPULL_ASSIGN_OR_RETURN(const v1::EventLog reference,
                              host->PlayForLog(oracle.ReferenceOf(least.source)));
    PUSHPULL_ASSIGN_OR_RETURN(const v1::EventLog found, host->PlayForLog(least));
    return CauseOf(trace, least, reference, found);
  }

  absl::Status PlayOne() {
    const Stream stream = grower_.Make(number_);
    const Trace trace = stream.ToTrace(absl::StrCat("stream ", number_));
    PUSHPULL_ASSIGN_OR_RETURN(std::optional<Shown> shown,
                              Play(trace, number_, host_.get(), kPlaysToTellApart));
    if (!refused_.empty()) {
      ++status_.refused;
      why_refused_ = refused_;
      return absl::OkStatus();
    }
    ++status_.streams;
    status_.deliveries += deliveries_;
    if (!shown.has_value() || Interrupted()) return absl::OkStatus();
    const std::string id = absl::StrCat("fuzz/", shown->cause.id);
    if (told_.contains(id)) {
      ++again_[id];
      return absl::OkStatus();
    }
    return Consider(stream, trace, id, *std::move(shown));
  }

  // In a host that played nothing before, three times.
  absl::StatusOr<int> Confirmed(const Trace& trace, const Shown& shown) {
    int times = 0;
    for (int i = 0; i < kConfirmations; ++i) {
      PUSHPULL_ASSIGN_OR_RETURN(const auto host, PluginHost::Create(plugin_));
      PUSHPULL_RETURN_IF_ERROR(host->Open(trace));
      PUSHPULL_ASSIGN_OR_RETURN(const PluginCause cause,
                                CauseNow(trace, shown.finding.least, host.get()));
      if (cause.id == shown.cause.id) ++times;
    }
    return times;
  }

  absl::Status Consider(const Stream& stream, const Trace& trace, const std::string& id,
                        Shown shown) {
    Tell(absl::StrCat("confirming ", id));
    PUSHPULL_ASSIGN_OR_RETURN(const int confirmed, Confirmed(trace, shown));
    if (confirmed < kConfirmations) {
      if (unsteady_.insert(id).second) {
        warnings_.push_back(absl::StrCat(id, " in stream ", number_, " (", shown.cause.message,
                                         "), and again ", confirmed, " of ", kConfirmations,
                                         " times: no finding"));
      }
      return absl::OkStatus();
    }
    told_.insert(id);
    PUSHPULL_ASSIGN_OR_RETURN(const Stream least, Minimized(stream, id));
    Tell(absl::StrCat("minimizing ", id, ": its delivery"));
    PUSHPULL_ASSIGN_OR_RETURN(const auto host, PluginHost::Create(plugin_));
    const Trace least_trace = least.ToTrace(trace.name);
    PUSHPULL_ASSIGN_OR_RETURN(std::optional<Shown> last,
                              Play(least_trace, number_, host.get(), kPlaysAtTheEnd));
    if (last.has_value()) shown = *std::move(last);
    return Report(id, shown);
  }

  // Whether it shows the same cause.
  absl::StatusOr<bool> Shows(const Stream& stream, const std::string& id) {
    PUSHPULL_ASSIGN_OR_RETURN(const auto host, PluginHost::Create(plugin_));
    const Trace trace = stream.ToTrace(absl::StrCat("stream ", number_, " smaller"));
    PUSHPULL_ASSIGN_OR_RETURN(const std::optional<Shown> shown,
                              Play(trace, number_, host.get(), kPlaysToTellApart));
    return shown.has_value() && absl::StrCat("fuzz/", shown->cause.id) == id;
  }

  // PDUs go, then data, then what is unusual about the connection.
  absl::StatusOr<Stream> Minimized(const Stream& stream, const std::string& id) {
    Stream least = stream;
    uint64_t plays = 0;
    const auto attempt = [&](const Stream& smaller) -> absl::Status {
      if (plays >= options_.minimize_plays || Interrupted() || smaller.pieces.empty()) {
        return absl::OkStatus();
      }
      ++plays;
      Tell(
          absl::StrCat("minimizing ", id, ": ", plays, " streams, ", least.pieces.size(), " PDUs"));
      PUSHPULL_ASSIGN_OR_RETURN(const bool shows, Shows(smaller, id));
      if (shows) least = smaller;
      return absl::OkStatus();
    };
    for (size_t i = least.pieces.size(); i-- > 0;) {
      Stream smaller = least;
      smaller.pieces.erase(smaller.pieces.begin() + static_cast<ptrdiff_t>(i));
      if (i < smaller.parameters.login_pdus) --smaller.parameters.login_pdus;
      PUSHPULL_RETURN_IF_ERROR(attempt(smaller));
    }
    for (size_t i = 0; i < least.pieces.size(); ++i) {
      for (const size_t length : {size_t{0}, size_t{1}, size_t{4}}) {
        if (least.pieces[i].data.size() <= length) continue;
        Stream smaller = least;
        smaller.pieces[i].SetData(length);
        PUSHPULL_RETURN_IF_ERROR(attempt(smaller));
      }
    }
    Stream plain = least;
    plain.parameters.header_digest = plain.parameters.data_digest = false;
    if (!(plain.parameters == least.parameters)) PUSHPULL_RETURN_IF_ERROR(attempt(plain));
    plain = least;
    plain.parameters = {};
    if (!(plain.parameters == least.parameters)) PUSHPULL_RETURN_IF_ERROR(attempt(plain));
    return least;
  }

  absl::Status Report(const std::string& id, const Shown& shown) {
    v1::CaseResult result;
    result.set_id(id);
    result.set_area("fuzz");
    result.set_title("A receiver stands this stream, and makes the same of it however it comes.");
    result.set_level(v1::ROBUSTNESS);
    result.set_verdict(v1::FAIL);
    v1::Failure& failure = *result.mutable_failure();
    failure.set_message(
        absl::StrCat(shown.cause.message, " (", replay::ToString(shown.finding.least), ")"));
    failure.set_step(absl::StrCat("stream ", number_));
    result.set_replay(absl::StrCat(options_.replay_command, " --first ", number_, " --runs 1"));
    if (folder_ != nullptr) {
      const std::string path = absl::StrCat("scenarios/", id, ".textproto");
      PUSHPULL_RETURN_IF_ERROR(folder_->Write(path, replay::ReproducerText(shown.finding)));
      failure.set_file(path);
      result.set_replay(absl::StrCat("pushpull replay ", folder_->path(), "/", path, " --plugin ",
                                     options_.argument));
    }
    results_.push_back(std::move(result));
    texts_.push_back(shown.finding.text);
    return absl::OkStatus();
  }

  v1::RunResult Result() {
    v1::RunResult run;
    run.set_target(absl::StrCat("plugin ", options_.argument));
    run.set_seed(options_.seed);
    run.set_seconds(Seconds());
    for (v1::CaseResult& result : results_) {
      const uint64_t again = again_[result.id()];
      if (again > 0) {
        result.mutable_failure()->set_actual(absl::StrCat("seen in ", again, " more streams"));
      }
      *run.add_result() = std::move(result);
    }
    const auto count = static_cast<uint32_t>(run.result_size());
    if (count > 0) (*run.mutable_totals()->mutable_by_verdict())["FAIL"] = count;
    run.mutable_totals()->set_unexpected(count);
    for (const std::string& warning : warnings_) run.add_warning(warning);
    run.set_exit_code(count > 0 ? conformance::kExitUnexpectedVerdict
                                : conformance::kExitAsExpected);
    return run;
  }

  const PluginCampaignOptions& options_;
  const conformance::ResultFolder* const folder_;
  const StreamGrower grower_;
  const std::chrono::steady_clock::time_point start_;
  replay::PluginOptions plugin_;
  std::unique_ptr<PluginHost> host_;
  uint64_t number_ = 0;

  // Of the stream that was played last.
  std::string refused_;
  uint64_t deliveries_ = 0;

  PluginStatus status_;
  std::string why_refused_;
  std::set<std::string> told_, unsteady_;
  std::map<std::string, uint64_t> again_;
  std::vector<std::string> warnings_, texts_;
  std::vector<v1::CaseResult> results_;
};

}  // namespace

absl::StatusOr<PluginOutcome> RunPluginCampaign(const PluginCampaignOptions& options,
                                                const conformance::ResultFolder* folder) {
  PUSHPULL_ASSIGN_OR_RETURN(const auto host, PluginHost::Create(options.plugin));
  if ((host->capabilities() & (PUSHPULL_CAP_TO_TARGET | PUSHPULL_CAP_TO_INITIATOR)) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "plug-in ", options.plugin.path,
        " takes neither direction: set PUSHPULL_CAP_TO_TARGET or PUSHPULL_CAP_TO_INITIATOR among "
        "its capabilities"));
  }
  return PluginCampaign(options, folder, host->capabilities()).Do();
}

}  // namespace pushpull::fuzz
