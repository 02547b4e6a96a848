// iSER: what the target did, by the messages that came, the network's log and what it left in the
// buffers. (RFC 7145)

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/play.h"

namespace pushpull::initiator_sim {

// The network's log: within the network's own turn, so that it is only noted.
void Play::OnOperation(const fabric::SimRdmaOperation& operation) {
  const bool found_none = operation.to_acceptor && operation.not_ready > 0;
  if (operation.to_acceptor && !found_none) return;
  Link* link = nullptr;
  for (const auto& [name, one] : links_) {
    if (one->rdma && one->iser != nullptr && one->rdma_number == operation.connection) {
      link = one.get();
    }
  }
  if (link == nullptr) return;
  if (found_none) {
    link->not_ready += operation.not_ready;
    return;
  }
  const bool send =
      operation.op == fabric::RdmaOp::kSend || operation.op == fabric::RdmaOp::kSendWithInvalidate;
  if (send) {
    link->send_orders[operation.receive_id] = operation.order;
    return;
  }
  if (operation.op != fabric::RdmaOp::kRead && operation.op != fabric::RdmaOp::kWrite) return;
  RdmaRecord record = {.order = operation.order,
                       .link = link,
                       .write = operation.op == fabric::RdmaOp::kWrite,
                       .length = operation.length};
  const IserBuffer* buffer = nullptr;
  for (const IserBuffer* one : reachable_) {
    if (!operation.region.empty() && one->Holds(operation.region.data())) buffer = one;
  }
  if (operation.status != fabric::RdmaStatus::kSuccess) {
    record.failure = std::string(ToString(operation.status));
  }
  if (buffer != nullptr) {
    record.buffer = buffer;
    record.offset = buffer->OffsetOf(operation.address);
    const bool inside = record.offset >= 0 &&
                        static_cast<uint64_t>(record.offset) + record.length <= buffer->length();
    if (!inside && !rdma_finding_) {
      rdma_finding_ =
          Finding{.message = absl::StrCat("the target ", record.write ? "wrote" : "read",
                                          " outside buffer ", buffer->name()),
                  .expected = absl::StrCat("bytes 0 to ", buffer->length()),
                  .actual = absl::StrCat(record.length, " bytes from ", record.offset),
                  .cite = {record.write ? "RFC7145-7.3.5-a" : "RFC7145-7.3.6-a"}};
    }
  }
  if (options_.tap != nullptr && link->iser != nullptr) {
    options_.tap->OnRdma({.connection = &link->iser->info(),
                          .time = operation.time,
                          .write = record.write,
                          .buffer = buffer == nullptr ? "" : buffer->name(),
                          .offset = record.offset,
                          .length = record.length,
                          .failure = record.failure});
  }
  rdma_records_.push_back(std::move(record));
  Wake();
}

bool Play::FailRow(std::string row, std::string message, std::string expected, std::string actual) {
  End({.verdict = v1::FAIL,
       .message = std::move(message),
       .expected = std::move(expected),
       .actual = std::move(actual),
       .expectation = true,
       .cite = {std::move(row)}});
  return false;
}

bool Play::JudgeIserMessage(Link* link, const Frame& frame) {
  if (frame.iser_flaw.empty() && frame.decoded.flaw.empty()) {
    if (!frame.iser_stag) return true;
    const Finding finding = {
        .verdict = frame.decoded.pdu.has_scsi_response() ? v1::WARN : v1::FAIL,
        .message = "the iSER header of a target's message marks an STag as valid (RFC 7145 §9.2)",
        .expected = "WSV=0 and RSV=0",
        .actual = FullText(frame.decoded.pdu),
        .cite = {"RFC7145-9.2-a"}};
    if (finding.verdict == v1::WARN) {
      Note(finding);
      return true;
    }
    End(finding);
    return false;
  }
  const bool of_header = !frame.iser_flaw.empty();
  const bool reserved = frame.iser_flaw.starts_with("reserved");
  return FailRow(
      reserved ? "RFC7145-9.2-a" : "RFC7145-9.1-a",
      absl::StrCat("a message came on connection ", link->name,
                   " that is no PDU: ", of_header ? frame.iser_flaw : frame.decoded.flaw),
      "an iSER header, and a PDU that agrees with its own lengths", FullText(frame.decoded.pdu));
}

bool Play::JudgeIserArrival(Link* link, const v1::Pdu& pdu, const Frame& frame, Task* task) {
  if (link->full_feature() && (pdu.has_data_in() || pdu.has_r2t())) {
    return FailRow(pdu.has_data_in() ? "RFC7145-7.3.2-a" : "RFC7145-7.3.6-a",
                   "a PDU came in a Send that iSER makes an RDMA operation of (RFC 7145 §7.2)",
                   "RDMA Writes and Reads", FullText(pdu));
  }
  if (pdu.has_login_response() && !link->full_feature()) {
    if (link->login_header.value_or(frame.iser_header) != frame.iser_header) {
      return FailRow("RFC7145-5.1.2-c",
                     "a Login Response is in another format than those before it (RFC 7145 §5.1.2)",
                     frame.iser_header ? "no iSER header" : "an iSER header", FullText(pdu));
    }
    link->login_header = frame.iser_header;
    const v1::LoginResponse& response = pdu.login_response();
    if (response.status_class() == 0 && response.transit() &&
        response.next_stage() == v1::FULL_FEATURE_PHASE) {
      const std::string* required = link->state.negotiation.Offered("iSERHelloRequired");
      link->hello_due = required != nullptr && *required == "Yes";
    }
  }
  if (frame.invalidated_key && !JudgeInvalidation(*link, pdu, frame, task)) return false;
  if (task == nullptr || task->buffers == nullptr || !pdu.has_scsi_response()) return true;
  const auto order = link->send_orders.find(frame.receive_id);
  if (order != link->send_orders.end()) task->buffers->answer_order = order->second;
  task->buffers->answered = true;
  const bool right = JudgeBuffers(*task, pdu);
  if (options_.tap != nullptr) {
    const std::string data = ReadByRdma(*task, pdu);
    if (!data.empty()) {
      options_.tap->OnReadData(link->iser->info(), options_.loop->Now(), base::AsBytes(data));
    }
  }
  // Local invalidation (§7.3.2): what the target does with these keys from now on fails.
  ReleaseBuffers(task);
  return right;
}

// RFC 7145 §7.3.2: the Read STag where one was advertised, else the Write STag.
bool Play::JudgeInvalidation(const Link& link, const v1::Pdu& pdu, const Frame& frame,
                             const Task* task) {
  const uint32_t key = *frame.invalidated_key;
  const TaskBuffers* buffers = task == nullptr ? nullptr : task->buffers.get();
  const std::string actual = absl::StrFormat("a Send that ended key 0x%08x", key);
  if (!link.may_be_invalidated) {
    const bool linux = options_.iser_dialect == IserDialect::kLinux;
    const Finding finding = {.verdict = linux ? v1::FAIL : v1::WARN,
                             .message =
                                 "a Send ended a key, though this side said that it doesn't "
                                 "support that (RFC 7145 §1.5.2)",
                             .expected = "plain Sends",
                             .actual = actual,
                             .cite = {"RFC7145-7.3.2-c"}};
    if (linux) {
      End(finding);
      return false;
    }
    Note(finding);
    return true;
  }
  if (buffers != nullptr && buffers->any_key) return true;
  if (!pdu.has_scsi_response()) {
    return FailRow("RFC7145-7.3.2-b",
                   "a Send ended a key that carries no SCSI Response (RFC 7145 §7.3.2)",
                   "a plain Send", actual);
  }
  const IserBuffer* due = buffers == nullptr ? nullptr : buffers->read;
  if (due == nullptr && buffers != nullptr) due = buffers->write;
  if (due != nullptr && due->key() == key) return true;
  return FailRow("RFC7145-7.3.2-b", "a Send ended another key than its command's (RFC 7145 §7.3.2)",
                 due == nullptr
                     ? "no invalidation"
                     : absl::StrFormat("key 0x%08x, of buffer %s", due->key(), due->name()),
                 actual);
}

bool Play::JudgeBuffers(const Task& task, const v1::Pdu& response) {
  const TaskBuffers& buffers = *task.buffers;
  for (const IserBuffer* buffer : {buffers.read, buffers.write}) {
    if (buffer == nullptr) continue;
    if (const std::string damage = buffer->GuardDamage(); !damage.empty()) {
      return FailRow("RFC7145-7.3.5-a", absl::StrCat("the target missed a buffer: ", damage),
                     "RDMA Writes within the buffer", damage);
    }
  }
  if (buffers.read == nullptr) return true;
  const v1::ScsiResponse& answer = response.scsi_response();
  if (answer.response() != v1::COMMAND_COMPLETED_AT_TARGET || answer.status() != v1::GOOD) {
    return true;
  }
  const size_t due = ReadByRdma(task, response).size();
  const size_t hole = buffers.read->FirstUnwritten(0, due);
  if (hole < due) {
    End({.verdict = v1::FAIL,
         .message = absl::StrCat("the response came, but byte ", hole, " of ", due,
                                 " was not written (RFC 7145 §7.3.5)"),
         .expected = absl::StrCat(due, " bytes of data in buffer ", buffers.read->name()),
         .actual = absl::StrCat("none from byte ", hole, " on"),
         .cite = {"RFC7145-7.3.5-a", "RFC7145-7.3.5-b"}});
    return false;
  }
  if (buffers.read->WrittenEnd() <= due) return true;
  const Finding surplus = {.verdict = options_.surplus_is_noted ? v1::WARN : v1::FAIL,
                           .message = "more was written than the response says (RFC 7145 §7.3.5)",
                           .expected = absl::StrCat("nothing behind byte ", due),
                           .actual = absl::StrCat("data up to byte ", buffers.read->WrittenEnd()),
                           .expectation = true,
                           .cite = {"RFC7145-7.3.5-c"}};
  if (options_.surplus_is_noted) {
    Note(surplus);
    return true;
  }
  End(surplus);
  return false;
}

std::string Play::ReadByRdma(const Task& task, const v1::Pdu& response) const {
  if (task.buffers == nullptr || task.buffers->read == nullptr) return "";
  const IserBuffer& buffer = *task.buffers->read;
  const v1::ScsiResponse& answer = response.scsi_response();
  size_t length = buffer.WrittenEnd();
  const size_t expected = std::min<size_t>(ReadLength(task.request), buffer.length());
  if (response.has_scsi_response() && answer.status() == v1::GOOD) {
    uint32_t lacking = answer.residual_underflow() ? answer.residual_count() : 0;
    if (task.request.scsi_command().write()) {
      lacking =
          answer.bidirectional_read_underflow() ? answer.bidirectional_read_residual_count() : 0;
    }
    length = expected - std::min<size_t>(lacking, expected);
  }
  return std::string(base::AsText(buffer.data().first(length)));
}

}  // namespace pushpull::initiator_sim
