// serve_r2ts, gather_data_in.

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "initiator_sim/pdu/match.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/drivers.h"
#include "initiator_sim/player/judge.h"
#include "initiator_sim/player/misbehave.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kDefaultR2ts = 1024;
constexpr uint32_t kDefaultDataIns = 65536;

// Ends the play where predicates don't hold.
Progress Require(Play* play, const Link* link, const v1::Pdu& pdu, uint64_t arrival,
                 const google::protobuf::RepeatedPtrField<v1::Predicate>& where) {
  const Subject subject = {.pdu = &pdu, .arrival = arrival};
  const absl::StatusOr<Differences> differences = JudgePredicates(play, link, subject, where);
  if (!differences.ok()) return play->Error(differences.status());
  if (differences->empty()) return Progress::kDone;
  std::vector<std::string> expected;
  for (const v1::Predicate& predicate : where) {
    expected.push_back(absl::StrCat(predicate.field(), " ", DescribePredicate(predicate)));
  }
  return play->Unmet(absl::StrJoin(*differences, "; "), absl::StrJoin(expected, "\n"),
                     FullText(pdu));
}

class ServeR2tsAction : public Action {
 public:
  ServeR2tsAction(Play* play, const v1::Step& step)
      : play_(play),
        step_(step),
        serve_(step_.serve_r2ts()),
        link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    Link* const link = FullFeatureLink(play_, link_name_, "serve_r2ts");
    if (link == nullptr) return Progress::kOver;
    Task* const task = play_->FindTask(serve_.task());
    if (task == nullptr) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("serve_r2ts: no task \"", serve_.task(), "\" was begun")));
    }
    if (link->rdma && JudgesR2ts()) {
      return play_->Error(absl::InvalidArgumentError(
          "serve_r2ts: on iSER there are no R2Ts to judge or to answer wrongly; say needs { "
          "transport: TCP_ONLY }"));
    }
    if (!begun_) {
      begun_ = true;
      // An R2T that a step before took is the first.
      sending_ = task->r2t && task->r2t->sent < task->r2t->length;
      if (sending_) ++r2ts_;
    }
    for (;;) {
      // Answers are pulled from what was asked for as long as the link takes them.
      if (sending_) {
        const Progress progress = SendNext(link, task);
        if (progress != Progress::kDone) return progress;
        continue;
      }
      if (serve_.stop_after_r2ts() > 0 && r2ts_ >= serve_.stop_after_r2ts()) return Progress::kDone;
      const Awaited awaited = AwaitFor(play_, link, task, Awaiting());
      if (awaited.arrival == nullptr) return awaited.progress;
      if (!awaited.arrival->pdu.has_r2t()) return OnOther(awaited.arrival);
      const Progress progress = OnR2t(link, task, awaited.arrival);
      if (progress != Progress::kDone) return progress;
    }
  }

  std::string Awaiting() const override {
    return absl::StrCat("an R2T or the response of task ", serve_.task());
  }

 private:
  // On iSER the target fetches the data by itself, and the step waits for the response.
  bool JudgesR2ts() const {
    return serve_.at_most_r2ts() > 0 || serve_.stop_after_r2ts() > 0 ||
           serve_.at_least_r2ts() > 0 || serve_.deviate() != v1::NONE || !serve_.where().empty() ||
           serve_.has_data_out();
  }

  // The response is left to the next expect.
  Progress OnOther(Arrival* arrival) {
    if (r2ts_ >= std::max(serve_.at_least_r2ts(), serve_.stop_after_r2ts())) {
      return Progress::kDone;
    }
    return play_->Unmet(
        absl::StrCat("after ", r2ts_, " R2Ts came what is none"),
        absl::StrCat("at least ", std::max(serve_.at_least_r2ts(), serve_.stop_after_r2ts()),
                     " R2Ts"),
        FullText(arrival->pdu));
  }

  Progress OnR2t(Link* link, Task* task, Arrival* arrival) {
    const uint32_t at_most = serve_.at_most_r2ts() == 0 ? kDefaultR2ts : serve_.at_most_r2ts();
    if (r2ts_ >= at_most) {
      return play_->Unmet("more R2Ts came than were expected",
                          absl::StrCat("at most ", at_most, " R2Ts"), FullText(arrival->pdu));
    }
    const uint64_t number = arrival->number;
    const v1::Pdu pdu = play_->Take(arrival);
    ++r2ts_;
    const Progress judged = Require(play_, link, pdu, number, serve_.where());
    if (judged != Progress::kDone) return judged;
    const v1::R2t& r2t = pdu.r2t();
    const uint64_t end = uint64_t{r2t.buffer_offset()} + r2t.desired_data_transfer_length();
    if (r2t.desired_data_transfer_length() == 0 || end > task->expected_length) {
      return play_->Unmet(
          "an R2T asks for what the command doesn't have (RFC 7143 §11.8.4)",
          absl::StrCat("bytes within the Expected Data Transfer Length of ", task->expected_length),
          FullText(pdu));
    }
    sending_ = true;
    return Progress::kDone;
  }

  // One Data-Out of the R2T that was taken last.
  Progress SendNext(Link* link, Task* task) {
    if (!link->open()) return Progress::kDone;
    const OpenR2t& r2t = *task->r2t;
    const uint32_t limit = serve_.data_segment_length() == 0
                               ? link->state.peer_max_recv_data_segment_length
                               : serve_.data_segment_length();
    const uint32_t length = std::min(limit, r2t.length - r2t.sent);
    const bool last = r2t.sent + length >= r2t.length;
    bool deviates = sent_ == serve_.deviate_at();
    if (OfAmount(serve_.deviate())) {
      deviates = last && !deviated_ && sent_ >= serve_.deviate_at();
    }
    // Where the target's segments leave no room for more, it goes in a Data-Out of its own.
    const bool more_follows = deviates && length > 0 &&
                              serve_.deviate() == v1::MORE_DATA_THAN_R2T &&
                              length + kDataOff > link->state.peer_max_recv_data_segment_length;
    if (more_follows) deviates = false;
    deviated_ = deviated_ || deviates;
    v1::Pdu pdu;
    pdu.mutable_data_out();
    pdu.mutable_data()->set_raw(task->DataAt(uint64_t{r2t.buffer_offset} + r2t.sent, length));
    if (more_follows) pdu.mutable_data_out()->set_final(false);
    if (!serve_.data_out_at_deviation() || deviates) pdu.MergeFrom(serve_.data_out());
    SendOptions options;
    if (deviates) options.misbehaviour = serve_.deviate();
    if (step_.has_delivery()) options.delivery = &step_.delivery();
    options.step_offset = &step_offset_;
    // What was due is done, whatever the deviation made of it.
    const uint32_t due = r2t.sent + length;
    const absl::Status status = play_->Send(std::move(pdu), link, task, options);
    if (!status.ok()) return play_->Error(status);
    ++sent_;
    task->r2t->sent = due;
    if (last && !more_follows) sending_ = false;
    return Progress::kDone;
  }

  static bool OfAmount(v1::Misbehaviour misbehaviour) {
    return misbehaviour == v1::MORE_DATA_THAN_R2T || misbehaviour == v1::LESS_DATA_THAN_R2T;
  }

  Play* const play_;
  const v1::Step step_;
  const v1::ServeR2ts& serve_;
  const std::string link_name_;
  uint32_t r2ts_ = 0;
  uint32_t sent_ = 0;  // Data-Out PDUs
  size_t step_offset_ = 0;
  bool begun_ = false;
  bool sending_ = false;
  bool deviated_ = false;  // in its amount of data
};

class GatherDataInAction : public Action {
 public:
  GatherDataInAction(Play* play, const v1::Step& step)
      : play_(play),
        gather_(step.gather_data_in()),
        link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    Link* const link = FullFeatureLink(play_, link_name_, "gather_data_in");
    if (link == nullptr) return Progress::kOver;
    Task* const task = play_->FindTask(gather_.task());
    if (task == nullptr) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("gather_data_in: no task \"", gather_.task(), "\" was begun")));
    }
    if (!collector_) collector_.emplace(task->expected_length);
    if (link->rdma && (gather_.with_status() || !gather_.where().empty())) {
      return play_->Error(absl::InvalidArgumentError(
          "gather_data_in: on iSER there are no Data-In PDUs to judge; say needs { transport: "
          "TCP_ONLY }"));
    }
    task_ = task;
    for (;;) {
      const Awaited awaited = AwaitFor(play_, link, task, Awaiting());
      if (awaited.arrival == nullptr) return awaited.progress;
      Arrival* const arrival = awaited.arrival;
      if (arrival->pdu.has_data_in()) {
        const Progress progress = OnDataIn(link, arrival);
        if (progress != Progress::kWaiting) return progress;
        continue;
      }
      return OnResponse(arrival);
    }
  }

  std::string Awaiting() const override {
    return absl::StrCat("Data-In or the response of task ", gather_.task());
  }

 private:
  Progress OnDataIn(Link* link, Arrival* arrival) {
    const uint32_t at_most = gather_.at_most_pdus() == 0 ? kDefaultDataIns : gather_.at_most_pdus();
    if (++pdus_ > at_most) {
      return play_->Unmet("more Data-In PDUs came than were expected",
                          absl::StrCat("at most ", at_most, " Data-In PDUs"),
                          FullText(arrival->pdu));
    }
    const uint64_t number = arrival->number;
    const v1::Pdu pdu = play_->Take(arrival);
    const Progress judged = Require(play_, link, pdu, number, gather_.where());
    if (judged != Progress::kDone) return judged;
    if (const std::string error = collector_->Add(pdu); !error.empty()) {
      return play_->Unmet(error, Awaiting(), FullText(pdu));
    }
    if (!pdu.data_in().status_present()) return Progress::kWaiting;
    if (pdu.data_in().status() != v1::GOOD) {
      return play_->Unmet("the read ended with another status than GOOD", "status GOOD",
                          FullText(pdu));
    }
    return Conclude(pdu);
  }

  Progress OnResponse(Arrival* arrival) {
    if (!arrival->pdu.has_scsi_response()) {
      return play_->Unmet("a read was answered by what is no Data-In or SCSI Response", Awaiting(),
                          FullText(arrival->pdu));
    }
    if (gather_.with_status()) {
      return play_->Unmet("the status came in a SCSI Response of its own",
                          "the status in the last Data-In (S bit)", FullText(arrival->pdu));
    }
    if (gather_.leave_response()) return Conclude(arrival->pdu);
    const v1::Pdu pdu = play_->Take(arrival);
    const v1::ScsiResponse& response = pdu.scsi_response();
    if (response.response() != v1::COMMAND_COMPLETED_AT_TARGET || response.status() != v1::GOOD) {
      return play_->Unmet("the read ended with another status than GOOD",
                          "SCSI Response, completed at target, status GOOD", FullText(pdu));
    }
    return Conclude(pdu);
  }

  Progress Conclude(const v1::Pdu& last) {
    if (collector_->has_holes()) {
      return play_->Unmet("the Data-In leave a hole in the data", "data without holes",
                          FullText(last));
    }
    const std::string data =
        task_->buffers != nullptr ? play_->ReadByRdma(*task_, last) : collector_->Whole();
    if (gather_.has_expect_length() && data.size() != gather_.expect_length()) {
      return play_->Unmet(absl::StrCat(data.size(), " bytes of data came"),
                          absl::StrCat(gather_.expect_length(), " bytes of data"), FullText(last));
    }
    if (!gather_.has_expect_data()) return Progress::kDone;
    const MatchResult match = MatchesData(WholePattern(gather_.expect_data(), data.size()), data);
    if (match) return Progress::kDone;
    return play_->Unmet(absl::StrCat("the data that came are others: ", match.ToString()),
                        "the data of expect_data", match.ToString());
  }

  // A pattern of length 0 is as long as what came.
  static v1::Data WholePattern(v1::Data data, size_t length) {
    if (data.has_pattern() && data.pattern().length() == 0) {
      data.mutable_pattern()->set_length(static_cast<uint32_t>(length));
    }
    return data;
  }

  Play* const play_;
  const v1::GatherDataIn gather_;
  const std::string link_name_;
  const Task* task_ = nullptr;
  std::optional<DataCollector> collector_;
  uint32_t pdus_ = 0;
};

}  // namespace

std::unique_ptr<Action> MakeServeR2ts(Play* play, const v1::Step& step) {
  return std::make_unique<ServeR2tsAction>(play, step);
}
std::unique_ptr<Action> MakeGatherDataIn(Play* play, const v1::Step& step) {
  return std::make_unique<GatherDataInAction>(play, step);
}

}  // namespace pushpull::initiator_sim
