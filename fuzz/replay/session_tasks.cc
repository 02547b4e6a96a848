#include "fuzz/replay/session_tasks.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/player/tap.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::replay {
namespace {

using conformance::Direction;
using conformance::WireEntry;
using conformance::WireLog;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using initiator_sim::kBhsSize;
using initiator_sim::kReservedTag;

constexpr size_t kTagOffset = 16;              // of a header (RFC 7143 §11.2.1.8)
constexpr size_t kMaxData = size_t{64} << 20;  // that is gathered for one task

struct Task {
  std::string request;
  std::vector<std::string> answers;
  std::string last_answer;  // of a login or text exchange: those before it only go on
  std::string data;
  uint32_t connection = 0;  // that its request was sent on
  bool cleared = false;     // before its answer: by a task management request, a logout

  bool answered() const { return !answers.empty() || !last_answer.empty(); }
};

struct Connection {
  std::string name;
  std::vector<v1::Event> events;
  bool logged_out = false;
  bool ended = false;  // by the target, unasked
};

struct Session {
  std::vector<Task> tasks;
  std::map<uint32_t, size_t> by_tag;  // the last that was begun
};

// What two right deliveries may differ in, by the names of pdu.proto.
constexpr std::string_view kLeftOut[] = {
    "stat_sn",     "exp_cmd_sn", "max_cmd_sn",          "cmd_sn",
    "exp_stat_sn", "data_sn",    "exp_data_sn",         "target_transfer_tag",
    "snack_tag",   "tsih",       "initiator_task_tag",  "data_sn_or_r2t_sn",
    "lun_bytes",   "ref_cmd_sn", "referenced_task_tag", "isid",
};

bool IsLeftOut(std::string_view field) {
  return std::find(std::begin(kLeftOut), std::end(kLeftOut), field) != std::end(kLeftOut);
}

// "SCSI Response final: true status: GOOD": what the header says, but for what is left out and what
// is 0.
std::string Describe(const v1::Pdu& pdu) {
  std::string text = initiator_sim::NameOf(pdu.kind_case());
  if (pdu.has_raw()) return absl::StrCat(text, " opcode: ", pdu.opcode());
  const FieldDescriptor* kind = v1::Pdu::descriptor()->FindFieldByNumber(pdu.kind_case());
  if (kind == nullptr) return text;
  const Message& header = pdu.GetReflection()->GetMessage(pdu, kind);
  std::vector<const FieldDescriptor*> fields;
  header.GetReflection()->ListFields(header, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsLeftOut(field->name())) continue;
    std::string value;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      value = absl::StrCat(
          "{ ", header.GetReflection()->GetMessage(header, field).ShortDebugString(), " }");
    } else {
      const auto number = initiator_sim::GetField(pdu, field->name());
      if (number.ok() && *number == initiator_sim::FieldValue(uint64_t{0})) continue;
      google::protobuf::TextFormat::PrintFieldValueToString(header, field, -1, &value);
    }
    absl::StrAppend(&text, " ", field->name(), ": ", value);
  }
  return text;
}

// A status that came with the last data reads as one that came by itself (RFC 7143 §11.7.1).
v1::Pdu ResponseOf(const v1::DataIn& data_in) {
  v1::Pdu pdu;
  v1::ScsiResponse* response = pdu.mutable_scsi_response();
  response->set_final(true);
  response->set_status(data_in.status());
  response->set_residual_overflow(data_in.residual_overflow());
  response->set_residual_underflow(data_in.residual_underflow());
  response->set_residual_count(data_in.residual_count());
  return pdu;
}

// Keys whose values are drawn anew for each login (RFC 7143 §12.1.3).
std::string WithoutChallenges(const std::string& text) {
  std::vector<std::string> keys = absl::StrSplit(text, '\0');
  for (std::string& key : keys) {
    for (const char* drawn : {"CHAP_I=", "CHAP_C=", "CHAP_R="}) {
      if (std::string_view(key).starts_with(drawn)) key = drawn;
    }
  }
  return absl::StrJoin(keys, std::string(1, '\0'));
}

class TaskLog {
 public:
  explicit TaskLog(const WireLog& log) : log_(log) {}

  SessionEvents Run() {
    for (const auto& [id, info] : log_.connections()) {
      connections_[id].name = info.name;
      if (std::find(order_.begin(), order_.end(), info.session) == order_.end()) {
        order_.push_back(info.session);
      }
    }
    for (const WireEntry& entry : log_.entries()) Enter(entry);
    return Events();
  }

 private:
  void Enter(const WireEntry& entry) {
    if (entry.kind == WireEntry::Kind::kClosed) {
      Connection& connection = connections_[entry.connection];
      // After a logout it is chance who closes first.
      if (entry.by_peer && !connection.logged_out) {
        connection.ended = true;
        AddEvent(&connection, "ended", "", "");
      }
    }
    if (entry.kind != WireEntry::Kind::kPdu || entry.bytes.size() < kBhsSize) return;
    session_ = &sessions_[log_.connections().at(entry.connection).session];
    connection_ = &connections_[entry.connection];
    connection_id_ = entry.connection;
    const uint32_t tag = base::LoadBe32(&entry.bytes[kTagOffset]);
    if (entry.direction == Direction::kToTarget) {
      Request(entry.decoded.pdu, tag);
    } else {
      Answer(entry.decoded.pdu, tag);
    }
  }

  static void AddEvent(Connection* connection, std::string_view kind, const std::string& text,
                       const std::string& data) {
    v1::OtherEvent* event = connection->events.emplace_back().mutable_other();
    event->set_kind(std::string(kind));
    event->set_text(absl::StrCat(connection->name, text.empty() ? "" : ": ", text));
    event->set_data(data);
  }

  // Null: it belongs to no task that was begun.
  Task* Find(uint32_t tag) {
    const auto found = session_->by_tag.find(tag);
    return found == session_->by_tag.end() ? nullptr : &session_->tasks[found->second];
  }

  void Request(const v1::Pdu& pdu, uint32_t tag) {
    // What goes on with a task, and answers to the target's pings.
    if (pdu.has_data_out() || pdu.has_snack_request()) return;
    if (pdu.has_nop_out() && tag == kReservedTag) return;
    const bool exchange = pdu.has_login_request() || pdu.has_text_request();
    if (exchange && Find(tag) != nullptr) return;
    if (pdu.has_task_management_request() || pdu.has_logout_request()) {
      for (Task& task : session_->tasks) task.cleared |= !task.answered();
    }
    session_->by_tag[tag] = session_->tasks.size();
    Task& task = session_->tasks.emplace_back();
    task.request = Describe(pdu);
    task.connection = connection_id_;
  }

  void Answer(const v1::Pdu& pdu, uint32_t tag) {
    const std::string& data = pdu.data().raw();
    if (pdu.has_r2t() || (pdu.has_nop_in() && tag == kReservedTag)) return;
    if (pdu.has_async_message()) return AddEvent(connection_, "async", Describe(pdu), data);
    if (pdu.has_logout_response()) connection_->logged_out = true;
    if (pdu.has_reject()) {
      const bool names = data.size() >= kBhsSize;
      tag = names ? base::LoadBe32(base::AsBytes(data).data() + kTagOffset) : kReservedTag;
    }
    Task* const task = Find(tag);
    if (task == nullptr) return AddEvent(connection_, "reject", Describe(pdu), data);
    if (pdu.has_data_in()) {
      Place(pdu.data_in().buffer_offset(), data, &task->data);
      if (pdu.data_in().status_present()) {
        task->answers.push_back(Describe(ResponseOf(pdu.data_in())));
      }
    } else if (pdu.has_login_response() || pdu.has_text_response()) {
      task->last_answer = Describe(pdu);
      task->data += data;
    } else {
      task->answers.push_back(Describe(pdu));
      // The header that a Reject carries has numbers of its own.
      if (!pdu.has_reject()) task->data += data;
    }
  }

  static void Place(uint64_t offset, const std::string& data, std::string* to) {
    const uint64_t end = offset + data.size();
    if (end > kMaxData) return;
    if (to->size() < end) to->resize(end);
    to->replace(offset, data.size(), data);
  }

  SessionEvents Events() {
    SessionEvents events;
    for (const std::string& name : order_) {
      const std::vector<Task>& tasks = sessions_[name].tasks;
      for (size_t i = 0; i < tasks.size(); ++i) {
        events.tasks.push_back(EventOf(tasks[i], absl::StrCat(name, " task ", i + 1)));
      }
    }
    for (auto& [id, connection] : connections_) {
      for (v1::Event& event : connection.events) {
        events.others.push_back({.event = std::move(event),
                                 .subject = absl::StrCat(connection.name, " #", id),
                                 .excused = connection.ended});
      }
    }
    return events;
  }

  SessionEvent EventOf(const Task& task, const std::string& name) const {
    std::vector<std::string> answers = task.answers;
    if (!task.last_answer.empty()) answers.push_back(task.last_answer);
    if (answers.empty()) answers.emplace_back("no answer");
    SessionEvent made;
    made.subject = absl::StrCat(name, ": ", task.request);
    made.excused = !task.answered() && (task.cleared || connections_.at(task.connection).ended);
    v1::OtherEvent* event = made.event.mutable_other();
    event->set_kind("task");
    event->set_text(absl::StrCat(made.subject, ": ", absl::StrJoin(answers, "; ")));
    event->set_data(task.last_answer.empty() ? task.data : WithoutChallenges(task.data));
    return made;
  }

  const WireLog& log_;
  std::map<uint32_t, Connection> connections_;
  std::map<std::string, Session> sessions_;
  std::vector<std::string> order_;  // of sessions
  Session* session_ = nullptr;
  Connection* connection_ = nullptr;
  uint32_t connection_id_ = 0;
};

}  // namespace

v1::EventLog SessionEvents::Log() const {
  v1::EventLog log;
  for (const std::vector<SessionEvent>* part : {&tasks, &others}) {
    for (const SessionEvent& one : *part) *log.add_event() = one.event;
  }
  return log;
}

SessionEvents TasksOf(const WireLog& log) { return TaskLog(log).Run(); }

}  // namespace pushpull::replay
