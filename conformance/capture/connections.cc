#include "conformance/capture/connections.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "conformance/capture/pdu_finder.h"

namespace pushpull::conformance {
namespace {

constexpr uint16_t kIscsiPorts[] = {3260, 860};
// A connection that is seen from its start shows what it speaks by its first header.
constexpr size_t kHeader = 48;
// So much of another one without an iSCSI port is kept until it has shown it.
constexpr size_t kUndecided = size_t{64} << 10;

fabric::Address AddressOf(const Endpoint& endpoint) {
  return {endpoint.ip.ToString(), endpoint.port};
}

void DescribeStream(const CapturedStream& stream, const char* to,
                    std::vector<std::string>* remarks) {
  uint64_t truncated = 0;
  for (const StreamGap& gap : stream.gaps) {
    if (gap.truncated) {
      ++truncated;
      continue;
    }
    const std::string where = gap.at < stream.bytes.size()
                                  ? absl::StrCat("before frame ", stream.PieceAt(gap.at).frame)
                                  : "at the end";
    remarks->push_back(absl::StrCat(where, ": ", gap.missing, " bytes to the ", to,
                                    " are missing from the capture"));
  }
  if (truncated > 0) {
    remarks->push_back(absl::StrCat("data to the ", to, " are cut short in ", truncated,
                                    " places: capture whole packets (snap length 0)"));
  }
  if (!stream.from_start && !stream.bytes.empty()) {
    remarks->push_back(absl::StrCat("the capture begins within the stream to the ", to));
  }
}

}  // namespace

bool Connections::IsTargetPort(uint16_t port) const {
  const auto& own = options_.target_ports;
  if (std::find(own.begin(), own.end(), port) != own.end()) return true;
  return !options_.only_these_ports &&
         std::find(std::begin(kIscsiPorts), std::end(kIscsiPorts), port) != std::end(kIscsiPorts);
}

void Connections::DecideByPort(Flow* flow) const {
  const bool first = IsTargetPort(flow->key.first.port);
  const bool second = IsTargetPort(flow->key.second.port);
  if (first != second) {
    flow->target = first ? 0 : 1;
  } else if (!first && options_.only_these_ports) {
    flow->ignored = true;
  }
}

// The side that doesn't log in, or that PDUs of a target come from.
void Connections::DecideByContent(Flow* flow) const {
  base::Bytes bytes[2];
  for (const int side : {0, 1}) {
    bytes[side] = flow->side[side].reassembly.stream().bytes;
    bytes[side] = bytes[side].first(std::min(bytes[side].size(), kUndecided));
  }
  // With an iSCSI port at both ends it is iSCSI, whatever it looks like.
  const bool certain = IsTargetPort(flow->key.first.port);
  const bool from_start = flow->side[0].sent_first_syn || flow->side[1].sent_first_syn;
  if (from_start) {
    const int asked = flow->side[0].sent_first_syn ? 1 : 0;
    if (certain || BeginsWithLogin(bytes[1 - asked])) flow->target = asked;
  } else {
    size_t most = 0;
    for (const int side : {0, 1}) {
      const Guess guess = GuessPdus(bytes[side], bytes[1 - side]);
      if (guess.pdus() > most) flow->target = 1 - side;
      most = std::max(most, guess.pdus());
    }
    if (!flow->target.has_value() && certain) flow->target = 1;
  }
  flow->ignored = !flow->target.has_value();
}

void Connections::Ignore(Flow* flow) {
  flow->ignored = true;
  for (Side& side : flow->side) {
    held_bytes_ -= side.reassembly.held_bytes();
    side = Side({options_.max_waiting_bytes, options_.max_waiting_segments});
  }
}

Connections::Flow* Connections::FlowFor(const Key& key, const TcpSegment& segment, int side) {
  const auto found = current_.find(key);
  if (found != current_.end()) {
    Flow& flow = flows_[found->second];
    const Side& sender = flow.side[side];
    // The same ports are used anew.
    const bool anew = segment.syn && !segment.ack &&
                      (!sender.syn.has_value() || *sender.syn != segment.seq) &&
                      (sender.syn.has_value() || flow.reset_frame != 0 ||
                       !sender.reassembly.stream().bytes.empty());
    if (!anew) return &flow;
  }
  if (flows_.size() == options_.max_connections) {
    ++left_out_;
    return nullptr;
  }
  const size_t index = flows_.size();
  flows_.emplace_back(
      key, Reassembly::Limits{options_.max_waiting_bytes, options_.max_waiting_segments});
  current_[key] = index;
  DecideByPort(&flows_[index]);
  return &flows_[index];
}

absl::Status Connections::Add(const TcpSegment& segment, uint64_t frame, absl::Time time) {
  const int side = segment.from < segment.to ? 0 : 1;
  const Key key = side == 0 ? Key{segment.from, segment.to} : Key{segment.to, segment.from};
  Flow* const flow = FlowFor(key, segment, side);
  if (flow == nullptr) return absl::OkStatus();
  if (flow->first_frame == 0) {
    flow->first_frame = frame;
    flow->first_time = time;
  }
  if (flow->ignored) return absl::OkStatus();
  Side& sender = flow->side[side];
  if (segment.rst) {
    if (flow->reset_frame == 0) {
      flow->reset_frame = frame;
      flow->reset_time = time;
      flow->reset_side = side;
    }
    return absl::OkStatus();  // what a RST carries is no data of the stream (RFC 9293 §3.5.2)
  }
  if (segment.syn && !sender.syn.has_value()) {
    sender.syn = segment.seq;
    sender.sent_first_syn = !segment.ack;
    sender.reassembly.Start(segment.seq + 1);
  }
  if (segment.payload.size() < segment.payload_size) ++flow->truncated_frames;
  Reassembly& reassembly = sender.reassembly;
  const size_t before = reassembly.held_bytes();
  reassembly.Add({.seq = segment.seq + (segment.syn ? 1 : 0),
                  .payload = segment.payload,
                  .payload_size = segment.payload_size,
                  .fin = segment.fin,
                  .frame = frame,
                  .time = time});
  held_bytes_ = held_bytes_ - before + reassembly.held_bytes();
  const bool begins = sender.sent_first_syn && reassembly.stream().bytes.size() >= kHeader;
  if (!flow->target.has_value() && (begins || reassembly.stream().bytes.size() > kUndecided)) {
    DecideByContent(flow);
    if (flow->ignored) Ignore(flow);
  }
  if (held_bytes_ > options_.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "frame ", frame, ": the capture holds more than ", options_.max_bytes >> 20,
        " MiB of iSCSI: cut it (editcap -c) or pick connections of it (tshark -Y -w)"));
  }
  return absl::OkStatus();
}

void Connections::AddTo(Capture* capture, Flow* flow) {
  const int target = *flow->target;
  CapturedConnection connection;
  connection.number = static_cast<uint32_t>(capture->connections.size() + 1);
  connection.initiator = AddressOf(target == 0 ? flow->key.second : flow->key.first);
  connection.target = AddressOf(target == 0 ? flow->key.first : flow->key.second);
  connection.first_frame = flow->first_frame;
  connection.first_time = flow->first_time;
  connection.to_target = flow->side[1 - target].reassembly.TakeStream();
  connection.to_initiator = flow->side[target].reassembly.TakeStream();
  connection.reset_frame = flow->reset_frame;
  connection.reset_time = flow->reset_time;
  connection.reset_by_target = flow->reset_frame != 0 && flow->reset_side == target;
  connection.truncated_frames = flow->truncated_frames;
  DescribeStream(connection.to_target, "target", &connection.remarks);
  DescribeStream(connection.to_initiator, "initiator", &connection.remarks);
  capture->connections.push_back(std::move(connection));
}

void Connections::Finish(Capture* capture) {
  for (Flow& flow : flows_) {
    for (Side& side : flow.side) side.reassembly.Finish();
    if (!flow.ignored && !flow.target.has_value()) DecideByContent(&flow);
    if (flow.ignored) {
      ++capture->other_connections;
      continue;
    }
    AddTo(capture, &flow);
  }
  if (left_out_ > 0) {
    capture->remarks.push_back(absl::StrCat("only the first ", options_.max_connections,
                                            " connections were read; ", left_out_,
                                            " segments belong to others"));
  }
}

}  // namespace pushpull::conformance
