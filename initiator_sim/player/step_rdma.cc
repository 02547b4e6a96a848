// register, withhold_receives, expect_rdma, disconnect, hello.

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "initiator_sim/player/drivers.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {
namespace {

// A step that does all it does at once, on an iSER connection that is open.
class RdmaAction : public Action {
 public:
  RdmaAction(Play* play, const v1::Step& step)
      : play_(play), step_(step), link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    Link* const link = play_->FindLink(link_name_);
    if (link == nullptr || !link->rdma) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("connection ", link_name_,
                       " is no iSER connection that is open; connect or log in "
                       "first, and say needs { transport: ISER_ONLY }")));
    }
    if (!link->open()) return play_->EndedWhileWaiting(*link, Awaiting());
    if (step_.has_register_()) {
      const absl::Status status = play_->RegisterBuffer(link, step_.register_());
      return status.ok() ? Progress::kDone : play_->Error(status);
    }
    if (step_.has_withhold_receives()) {
      const v1::WithholdReceives& withhold = step_.withhold_receives();
      link->iser->WithholdReceives(withhold.release() ? std::nullopt
                                                      : std::optional(withhold.keep()));
      return Progress::kDone;
    }
    play_->CloseLink(link, step_.disconnect().abrupt() ? v1::RST : v1::FIN);
    return Progress::kDone;
  }

  std::string Awaiting() const override { return "a step of this side's"; }

 private:
  Play* const play_;
  const v1::Step step_;
  const std::string link_name_;
};

std::string Describe(const RdmaRecord& record) {
  return absl::StrCat(
      record.write ? "RDMA Write" : "RDMA Read", " of ", record.length, " bytes at ",
      record.buffer == nullptr ? std::string("no buffer of ours")
                               : absl::StrCat(record.offset, " of ", record.buffer->name()),
      record.failure.empty() ? "" : absl::StrCat(", failed: ", record.failure));
}

// What the network's log shows.
class ExpectRdmaAction : public Action {
 public:
  ExpectRdmaAction(Play* play, const v1::Step& step)
      : play_(play),
        expect_(step.expect_rdma()),
        link_name_(play->LinkName(step.connection())),
        write_(expect_.op() == v1::RDMA_WRITE) {}

  Progress Advance() override {
    Link* const link = play_->FindLink(link_name_);
    if (link == nullptr || !link->rdma) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("expect_rdma needs connection ", link_name_, " to be of iSER")));
    }
    if (expect_.op() == v1::RECEIVER_NOT_READY && expect_.none()) return NoneNotReady(*link);
    if (expect_.op() != v1::RDMA_WRITE && expect_.op() != v1::RDMA_READ) {
      return play_->Error(absl::InvalidArgumentError(
          "expect_rdma looks for RDMA_WRITE or RDMA_READ, or for no RECEIVER_NOT_READY (none: "
          "true); Sends are for `expect`"));
    }
    const IserBuffer* const buffer = play_->FindBuffer(expect_.buffer(), !write_);
    if (buffer == nullptr && !expect_.none()) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("expect_rdma: no buffer or task \"", expect_.buffer(), "\" has one")));
    }
    if (!play_->has_rdma_log()) return ByWhatWasLeft(buffer);
    return ByLog(link, buffer);
  }

  std::string Awaiting() const override {
    return absl::StrCat(write_ ? "an RDMA Write into " : "an RDMA Read of ", expect_.buffer());
  }

 private:
  // A device sends again by itself, and doesn't say so.
  Progress NoneNotReady(const Link& link) {
    if (link.not_ready == 0) return Progress::kDone;
    return play_->Unmet("a message found no receive of the target's (RFC 7145 §8.1)",
                        "a receive for each message that the target allows",
                        absl::StrCat(link.not_ready, " attempts in vain"));
  }

  // A device's user sees what stands in the buffer, and nothing of reads.
  Progress ByWhatWasLeft(const IserBuffer* buffer) {
    if (!write_) {
      return play_->Error(absl::InvalidArgumentError(
          "RDMA Reads leave nothing to be seen; say needs { rdma_log: true }"));
    }
    if (buffer == nullptr) return Progress::kDone;
    const size_t end = buffer->WrittenEnd();
    if (expect_.none()) {
      return end == 0 ? Progress::kDone
                      : play_->Unmet("the buffer was written", "no RDMA Write",
                                     absl::StrCat("data up to byte ", end));
    }
    const size_t begin = static_cast<size_t>(expect_.offset());
    const size_t due = expect_.has_length() ? begin + expect_.length() : end;
    if (due > buffer->length()) {
      return play_->Error(absl::InvalidArgumentError("expect_rdma: beyond the buffer's end"));
    }
    if (end > begin && buffer->FirstUnwritten(begin, due) == due) return Progress::kDone;
    return Progress::kWaiting;
  }

  bool IsMeant(const RdmaRecord& record, const Link* link, const IserBuffer* buffer) const {
    return !record.taken && record.link == link && record.write == write_ &&
           (expect_.buffer().empty() || record.buffer == buffer);
  }

  Progress ByLog(const Link* link, const IserBuffer* buffer) {
    std::vector<RdmaRecord*> meant;
    for (RdmaRecord& record : play_->rdma_records()) {
      if (IsMeant(record, link, buffer)) meant.push_back(&record);
    }
    if (expect_.none()) {
      if (meant.empty()) return Progress::kDone;
      return play_->Unmet("an RDMA operation came that must not", "none", Describe(*meant.front()));
    }
    for (const RdmaRecord* record : meant) {
      if (!record->failure.empty()) {
        return play_->Unmet("an RDMA operation failed", Awaiting(), Describe(*record));
      }
    }
    if (expect_.has_total()) return JudgeTotal(meant);
    const uint64_t begin = expect_.offset();
    const uint64_t length = expect_.length();
    // Several operations may make up what is expected.
    std::vector<std::pair<uint64_t, RdmaRecord*>> pieces;
    for (RdmaRecord* record : meant) pieces.emplace_back(record->offset, record);
    std::sort(pieces.begin(), pieces.end());
    uint64_t at = expect_.has_offset() || pieces.empty() ? begin : pieces.front().first;
    const uint64_t first = at;
    std::vector<RdmaRecord*> taken;
    for (const auto& [offset, record] : pieces) {
      if (offset != at || (expect_.has_length() && at - first >= length)) continue;
      at += record->length;
      taken.push_back(record);
    }
    const bool found = expect_.has_length() ? at - first == length : !taken.empty();
    if (!found) return NotYet(meant);
    return Conclude(taken);
  }

  Progress Conclude(const std::vector<RdmaRecord*>& taken) {
    const Task* const task = play_->FindTask(expect_.before_response_of());
    for (RdmaRecord* record : taken) {
      record->taken = true;
      if (task == nullptr || task->buffers == nullptr || !task->buffers->answered) continue;
      if (record->order > task->buffers->answer_order) {
        return play_->Unmet("an RDMA operation came behind the response of its command",
                            absl::StrCat("before the response of ", expect_.before_response_of()),
                            Describe(*record));
      }
    }
    return Progress::kDone;
  }

  // Each byte once (RFC 7145 §10.2.2).
  Progress JudgeTotal(const std::vector<RdmaRecord*>& meant) {
    uint64_t sum = 0;
    for (const RdmaRecord* record : meant) sum += record->length;
    if (sum < expect_.total()) return NotYet(meant);
    if (sum > expect_.total()) {
      return play_->Unmet("more was moved by RDMA than the command has",
                          absl::StrCat(expect_.total(), " bytes"), absl::StrCat(sum, " bytes"));
    }
    return Conclude(meant);
  }

  // Once the command is answered nothing more will come.
  Progress NotYet(const std::vector<RdmaRecord*>& meant) {
    const Task* const task = play_->FindTask(expect_.buffer());
    const bool over = task != nullptr && task->buffers != nullptr && task->buffers->answered;
    if (!over && play_->FindLink(link_name_)->open()) return Progress::kWaiting;
    std::vector<std::string> came;
    for (const RdmaRecord* record : meant) came.push_back(Describe(*record));
    return play_->Unmet(
        "the RDMA operation didn't come",
        absl::StrCat(Awaiting(), expect_.has_offset() ? absl::StrCat(" at ", expect_.offset()) : "",
                     expect_.has_length() ? absl::StrCat(" of ", expect_.length(), " bytes") : ""),
        came.empty() ? "none" : absl::StrJoin(came, "\n"));
  }

  Play* const play_;
  const v1::ExpectRdma expect_;
  const std::string link_name_;
  const bool write_;
};

class HelloAction : public Action {
 public:
  HelloAction(Play* play, const v1::Step& step)
      : play_(play), hello_(step.hello()), link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    if (!sent_) {
      link_ = FullFeatureLink(play_, link_name_, "hello");
      if (link_ == nullptr) return Progress::kOver;
      if (absl::Status status = play_->SendHello(link_, hello_); !status.ok()) {
        return play_->Error(status);
      }
      sent_ = true;
    }
    if (link_->hello_reply) return Judge(*link_->hello_reply);
    if (link_->open()) return Progress::kWaiting;
    if (!hello_.or_closed() || link_->closed_by_us) {
      return play_->EndedWhileWaiting(*link_, Awaiting());
    }
    link_->end_taken = true;
    return Progress::kDone;
  }

  std::string Awaiting() const override {
    return absl::StrCat("the HelloReply",
                        hello_.or_closed() ? " or the end of the connection" : "");
  }

 private:
  Progress Judge(const HelloReplyHeader& reply) {
    const std::string actual =
        absl::StrCat("HelloReply REJ=", reply.reject ? 1 : 0, " MaxVer ", reply.max_version,
                     " CurVer ", reply.cur_version, " iSER-ORD ", reply.iser_ord);
    if (reply.reject != hello_.expect_reject() &&
        !(hello_.expect_reject() && hello_.or_accepted())) {
      return play_->Unmet("the Hello was answered otherwise (RFC 7145 §5.1.3)",
                          hello_.expect_reject() ? "REJ=1" : "REJ=0", actual);
    }
    if (reply.reject) return Progress::kDone;
    const uint32_t ird = hello_.has_iser_ird() ? hello_.iser_ird() : link_->responder_resources;
    const uint32_t at_most = hello_.has_at_most_ord() ? hello_.at_most_ord() : ird;
    if (reply.iser_ord > at_most) {
      return play_->Unmet("iSER-ORD is above what the Hello declared (RFC 7145 §5.1.3)",
                          absl::StrCat("iSER-ORD ", at_most, " at most"), actual);
    }
    // Appendix B draws version 1.
    const auto right = [](uint8_t version) { return version == kIserVersion || version == 1; };
    if (right(reply.max_version) && right(reply.cur_version)) return Progress::kDone;
    return play_->Unmet("the HelloReply has another version than 10 (RFC 7145 §9.4)",
                        "MaxVer and CurVer 10", actual);
  }

  Play* const play_;
  const v1::HelloDriver hello_;
  const std::string link_name_;
  Link* link_ = nullptr;
  bool sent_ = false;
};

}  // namespace

std::unique_ptr<Action> MakeRdma(Play* play, const v1::Step& step) {
  return std::make_unique<RdmaAction>(play, step);
}
std::unique_ptr<Action> MakeExpectRdma(Play* play, const v1::Step& step) {
  return std::make_unique<ExpectRdmaAction>(play, step);
}
std::unique_ptr<Action> MakeHello(Play* play, const v1::Step& step) {
  return std::make_unique<HelloAction>(play, step);
}

}  // namespace pushpull::initiator_sim
