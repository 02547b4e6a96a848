#include "conformance/capture/session_trace.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "conformance/capture/pdu_finder.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/framer.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Digests;
using initiator_sim::Direction;
using initiator_sim::Frame;
using initiator_sim::Framer;
using initiator_sim::kBhsSize;

// Bytes of one direction, as they became available.
struct Arrival {
  Direction direction;
  size_t begin;  // in the stream
  size_t end;
  uint64_t frame;  // after which they, and all before them, are there
  absl::Time time;
};

// Pieces, cut where something is missing.
std::vector<Arrival> ArrivalsOf(const CapturedStream& stream, Direction direction) {
  std::vector<Arrival> arrivals;
  uint64_t frame = 0;
  absl::Time time;
  auto gap = stream.gaps.begin();
  for (size_t i = 0; i < stream.pieces.size(); ++i) {
    const StreamPiece& piece = stream.pieces[i];
    const size_t end =
        i + 1 < stream.pieces.size() ? stream.pieces[i + 1].begin : stream.bytes.size();
    if (piece.frame > frame) {
      frame = piece.frame;
      time = piece.time;
    }
    size_t begin = piece.begin;
    for (; gap != stream.gaps.end() && gap->at < end; ++gap) {
      if (gap->at <= begin) continue;
      arrivals.push_back({direction, begin, gap->at, frame, time});
      begin = gap->at;
    }
    arrivals.push_back({direction, begin, end, frame, time});
  }
  return arrivals;
}

// So many bytes are searched for PDUs in one connection at the most.
constexpr uint64_t kMaxSearched = uint64_t{256} << 20;

const char* NameOf(Direction direction) {
  return direction == Direction::kToTarget ? "target" : "initiator";
}

// One direction of the connection.
struct Side {
  Side(const CapturedStream& s, Direction d) : stream(s), direction(d) {}

  base::Bytes bytes() const { return stream.bytes; }
  // Up to the next gap behind `from`.
  base::Bytes Region(size_t from) const {
    const auto next = std::upper_bound(stream.gaps.begin(), stream.gaps.end(), from,
                                       [](size_t at, const StreamGap& g) { return at < g.at; });
    const size_t end = next == stream.gaps.end() ? stream.bytes.size() : next->at;
    return bytes().subspan(from, end - from);
  }

  const CapturedStream& stream;
  const Direction direction;
  std::optional<Framer> framer = Framer();
  size_t framer_begin = 0;  // where in the stream the framer's bytes begin
  size_t skip_to = 0;       // bytes before it are passed over
  size_t gap = 0;           // the next one's index
  bool guessed = false;     // that PDUs begin there
  uint64_t last_frame = 0;  // that brought some of it
};

class Tracer {
 public:
  explicit Tracer(const CapturedConnection& connection)
      : connection_(connection),
        sides_{Side(connection.to_target, Direction::kToTarget),
               Side(connection.to_initiator, Direction::kToInitiator)} {}

  SessionTrace Run() {
    trace_.connection = &connection_;
    trace_.remarks = connection_.remarks;
    trace_.from_start =
        connection_.to_target.from_start && BeginsWithLogin(sides_[0].Region(0)) && NoGapAtStart();
    if (!trace_.from_start) GuessStart();
    std::vector<Arrival> arrivals = ArrivalsOf(connection_.to_target, Direction::kToTarget);
    for (const Arrival& one : ArrivalsOf(connection_.to_initiator, Direction::kToInitiator)) {
      arrivals.push_back(one);
    }
    // By direction where frames are equal, which they are only in a hostile capture.
    std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) {
      if (a.frame != b.frame) return a.frame < b.frame;
      if (a.direction != b.direction) return a.direction < b.direction;
      return a.begin < b.begin;
    });
    for (const Arrival& arrival : arrivals) Take(arrival);
    for (Side& side : sides_) SayRest(side);
    return std::move(trace_);
  }

 private:
  bool NoGapAtStart() const {
    const auto& gaps = connection_.to_target.gaps;
    return gaps.empty() || gaps[0].at != 0;
  }

  void Remark(std::string text) { trace_.remarks.push_back(std::move(text)); }

  // Looks for the first PDUs of both directions, and for the digests that fit them.
  void GuessStart() {
    const base::Bytes regions[2] = {sides_[0].Region(0), sides_[1].Region(0)};
    const Guess guess = GuessPdus(regions[0], regions[1]);
    const std::optional<FoundPdus> found[2] = {guess.to_target, guess.to_initiator};
    digests_ = guess.digests;
    for (const int i : {0, 1}) {
      Side& side = sides_[i];
      Begin(&side, found[i] ? found[i]->begin : regions[i].size(), true);
      if (regions[i].empty()) continue;
      if (!found[i]) {
        Remark(absl::StrCat("no PDU was found in ", regions[i].size(), " bytes to the ",
                            NameOf(side.direction)));
        continue;
      }
      Remark(absl::StrCat("where PDUs to the ", NameOf(side.direction),
                          " begin was guessed: in frame ", FrameAt(side, side.skip_to), ", after ",
                          found[i]->begin, " bytes that belong to none; ", DigestText()));
    }
  }

  std::string DigestText() const {
    return absl::StrCat("header digest ", digests_.header_digest ? "CRC32C" : "None",
                        ", data digest ", digests_.data_digest ? "CRC32C" : "None");
  }

  static uint64_t FrameAt(const Side& side, size_t offset) {
    return offset < side.stream.bytes.size() ? side.stream.PieceAt(offset).frame : 0;
  }

  void Begin(Side* side, size_t offset, bool guessed) {
    side->framer.emplace();
    side->framer->set_digests(digests_);
    side->framer_begin = offset;
    side->skip_to = offset;
    side->guessed = guessed;
  }

  void Take(const Arrival& arrival) {
    Side& side = sides_[arrival.direction == Direction::kToTarget ? 0 : 1];
    const auto& gaps = side.stream.gaps;
    while (side.gap < gaps.size() && gaps[side.gap].at <= arrival.begin) {
      PassGap(&side, gaps[side.gap++]);
    }
    side.last_frame = std::max(side.last_frame, arrival.frame);
    const size_t begin = std::max(arrival.begin, side.skip_to);
    if (begin >= arrival.end) return;
    side.framer->Append(side.bytes().subspan(begin, arrival.end - begin));
    for (;;) {
      const bool header = side.framer->pending() >= kBhsSize;
      if (side.guessed && header &&
          !LooksLikeHeader(side.framer->pending_bytes().first(kBhsSize), side.direction)) {
        LoseTrack(&side, arrival);
        if (side.skip_to >= arrival.end) return;
        side.framer->Append(side.bytes().subspan(side.skip_to, arrival.end - side.skip_to));
        continue;
      }
      const std::optional<Frame> frame = side.framer->Next();
      if (!frame.has_value()) return;
      AddPdu(side, *frame, arrival);
    }
  }

  // What was guessed doesn't hold.
  void LoseTrack(Side* side, const Arrival& arrival) {
    const size_t at = side->framer_begin + static_cast<size_t>(side->framer->stream_offset());
    Remark(absl::StrCat("frame ", arrival.frame, ": what follows to the ", NameOf(side->direction),
                        " doesn't look like a PDU"));
    ++trace_.incomplete;
    ++part_;
    Search(side, at + 1);
  }

  // Something is missing here. Where the PDU ends that it is missing from is known if its header is
  // there, and all that is missing is within it.
  void PassGap(Side* side, const StreamGap& gap) {
    const base::Bytes pending = side->framer->pending_bytes();
    ++part_;
    TakeAlong(*side);
    if (gap.at < side->skip_to) {
      if (gap.missing != 0 && gap.missing <= side->skip_to - gap.at) {
        Begin(side, side->skip_to - static_cast<size_t>(gap.missing), side->guessed);
        return;
      }
    } else if (!pending.empty()) {
      ++trace_.incomplete;
    }
    if (pending.size() >= kBhsSize && gap.missing > 0) {
      const size_t size = initiator_sim::LayoutOf(pending, side->framer->digests()).end;
      if (pending.size() + gap.missing <= size) {
        const size_t rest = size - pending.size() - static_cast<size_t>(gap.missing);
        Begin(side, gap.at + rest, side->guessed);
        return;
      }
    }
    Search(side, gap.at);
  }

  // What is missing may have come right behind the last that is there: of PDUs of the other
  // direction since then nobody knows what they answer.
  void TakeAlong(const Side& side) {
    for (auto pdu = trace_.pdus.rbegin(); pdu != trace_.pdus.rend(); ++pdu) {
      if (pdu->frame <= side.last_frame) return;
      ++pdu->part;
    }
  }

  // Looks for PDUs from there on, up to the next gap: with the digests that are known, else with
  // others.
  void Search(Side* side, size_t from) {
    const base::Bytes region = side->Region(from);
    if (region.empty()) return Begin(side, from, true);
    std::optional<FoundPdus> found;
    if (searched_ < kMaxSearched) {
      searched_ += region.size();
      found = FindPdus(region, side->direction, digests_);
      if (!found) {
        const bool to_target = side->direction == Direction::kToTarget;
        const Guess guess =
            GuessPdus(to_target ? region : base::Bytes(), to_target ? base::Bytes() : region);
        found = to_target ? guess.to_target : guess.to_initiator;
        if (found) digests_ = guess.digests;
      }
    }
    if (!found) {
      Begin(side, from + region.size(), true);
      return Remark(absl::StrCat("no PDU was found in ", region.size(), " bytes to the ",
                                 NameOf(side->direction), " from frame ", FrameAt(*side, from),
                                 " on"));
    }
    Begin(side, from + found->begin, true);
    Remark(absl::StrCat("that PDUs to the ", NameOf(side->direction), " go on in frame ",
                        FrameAt(*side, side->skip_to), " was guessed"));
  }

  void AddPdu(const Side& side, const Frame& frame, const Arrival& arrival) {
    CapturedPdu pdu;
    pdu.direction = side.direction;
    pdu.frame = arrival.frame;
    pdu.time = arrival.time;
    pdu.stream_offset = side.framer_begin + static_cast<size_t>(frame.stream_offset);
    pdu.first_frame = FrameAt(side, pdu.stream_offset);
    pdu.bytes = side.bytes().subspan(pdu.stream_offset, frame.bytes.size());
    pdu.digests = side.framer->digests();
    pdu.part = part_;
    trace_.pdus.push_back(pdu);
    FollowLogin(frame.decoded.pdu);
  }

  void FollowLogin(const v1::Pdu& pdu) {
    if (pdu.has_login_request()) {
      NoteLoginRequest(pdu, &trace_.state);
      return;
    }
    if (!pdu.has_login_response()) return;
    const bool complete = AbsorbLoginResponse(pdu, &trace_.session, &trace_.state);
    // A guess knows the digests from what followed.
    if (!complete || !trace_.from_start) return;
    digests_ = trace_.state.digests;
    for (Side& side : sides_) side.framer->set_digests(digests_);
  }

  void SayRest(const Side& side) {
    const size_t pending = side.framer->pending();
    if (pending == 0) return;
    ++trace_.incomplete;
    std::string of;
    if (pending >= kBhsSize) {
      of = absl::StrCat(
          " of ",
          initiator_sim::LayoutOf(side.framer->pending_bytes(), side.framer->digests()).end);
    }
    Remark(absl::StrCat("the stream to the ", NameOf(side.direction), " ends within a PDU, after ",
                        pending, of, " bytes of it"));
  }

  const CapturedConnection& connection_;
  Side sides_[2];
  Digests digests_;
  uint32_t part_ = 0;
  uint64_t searched_ = 0;
  SessionTrace trace_;
};

// ---- telling a tap -------------------------------------------------------------------------

enum class EventKind : uint8_t { kOpened, kPdu, kClosed };

struct Event {
  uint64_t frame;
  size_t trace;
  EventKind kind;
  size_t pdu;  // kPdu

  friend auto operator<=>(const Event&, const Event&) = default;
};

struct End {
  uint64_t frame = 0;  // 0: it isn't there
  absl::Time time;
  bool by_target = false;
  std::string reason;
};

End EndOf(const CapturedConnection& connection) {
  if (connection.reset_frame != 0) {
    return {connection.reset_frame, connection.reset_time, connection.reset_by_target, "reset"};
  }
  const CapturedStream& ours = connection.to_target;
  const CapturedStream& theirs = connection.to_initiator;
  if (!ours.ended || !theirs.ended) return {};
  const bool by_target = theirs.end_frame < ours.end_frame;
  const CapturedStream& last = by_target ? ours : theirs;
  return {last.end_frame, last.end_time, by_target, ""};
}

std::vector<Event> EventsOf(const std::vector<SessionTrace>& traces) {
  std::vector<Event> events;
  for (size_t i = 0; i < traces.size(); ++i) {
    const SessionTrace& trace = traces[i];
    if (trace.from_start) {
      events.push_back({trace.connection->first_frame, i, EventKind::kOpened, 0});
    }
    for (size_t j = 0; j < trace.pdus.size(); ++j) {
      events.push_back({trace.pdus[j].frame, i, EventKind::kPdu, j});
    }
    uint64_t end = EndOf(*trace.connection).frame;
    if (end == 0) continue;
    if (!trace.pdus.empty()) end = std::max(end, trace.pdus.back().frame);
    events.push_back({end, i, EventKind::kClosed, 0});
  }
  std::sort(events.begin(), events.end());
  return events;
}

class Teller {
 public:
  Teller(const std::vector<SessionTrace>& traces, initiator_sim::Tap* tap,
         std::vector<ToldPdu>* told)
      : traces_(traces),
        tap_(tap),
        told_(told),
        connections_(traces.size()),
        parts_(traces.size(), 0) {}

  void Tell(const Event& event) {
    const SessionTrace& trace = traces_[event.trace];
    initiator_sim::TapConnection& connection = connections_[event.trace];
    if (connection.id == 0) Name(trace, &connection);
    switch (event.kind) {
      case EventKind::kOpened:
        return tap_->OnOpened(connection, trace.connection->first_time);
      case EventKind::kPdu:
        return TellPdu(event, &connection);
      case EventKind::kClosed: {
        const End end = EndOf(*trace.connection);
        return tap_->OnClosed(connection, end.time, end.by_target, end.reason);
      }
    }
  }

 private:
  void Name(const SessionTrace& trace, initiator_sim::TapConnection* connection) {
    connection->id = next_id_++;
    connection->name = absl::StrCat("c", trace.connection->number);
    connection->local = trace.connection->initiator;
    connection->peer = trace.connection->target;
  }

  void TellPdu(const Event& event, initiator_sim::TapConnection* connection) {
    const CapturedPdu& pdu = traces_[event.trace].pdus[event.pdu];
    if (pdu.part != parts_[event.trace]) {
      parts_[event.trace] = pdu.part;
      tap_->OnClosed(*connection, pdu.time, false, "the capture has a gap");
      Name(traces_[event.trace], connection);
    }
    const initiator_sim::DecodedPdu decoded = initiator_sim::Decode(pdu.bytes, pdu.digests);
    initiator_sim::TapPdu told;
    told.connection = connection;
    told.direction = pdu.direction;
    told.time = pdu.time;
    told.bytes = pdu.bytes;
    told.decoded = &decoded;
    told.digests = pdu.digests;
    if (told_ != nullptr) told_->push_back({pdu.frame, event.trace, event.pdu});
    tap_->OnBytes(*connection, pdu.time, pdu.direction, pdu.bytes);
    tap_->OnPdu(told);
  }

  const std::vector<SessionTrace>& traces_;
  initiator_sim::Tap* const tap_;
  std::vector<ToldPdu>* const told_;
  std::vector<initiator_sim::TapConnection> connections_;
  std::vector<uint32_t> parts_;
  uint32_t next_id_ = 1;
};

}  // namespace

SessionTrace TraceSession(const CapturedConnection& connection) { return Tracer(connection).Run(); }

void TellTap(const std::vector<SessionTrace>& traces, initiator_sim::Tap* tap,
             std::vector<ToldPdu>* told) {
  Teller teller(traces, tap, told);
  for (const Event& event : EventsOf(traces)) teller.Tell(event);
}

}  // namespace pushpull::conformance
