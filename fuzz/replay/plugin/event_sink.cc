#include "fuzz/replay/plugin/event_sink.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pushpull::replay {
namespace {

constexpr size_t kBhsBytes = 48;
constexpr uint32_t kOwnKind = 0x100;  // of the host's own events: no plug-in's

std::string_view TextOf(const pushpull_event& event) {
  return event.text == nullptr ? std::string_view() : std::string_view(event.text);
}

std::string AsString(base::Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

std::string Printable(std::string_view text, size_t max_bytes) {
  std::string printable;
  for (const char c : text) {
    if (printable.size() >= max_bytes) return printable + "...";
    if (c >= ' ' && c < 0x7f && c != '\\') {
      printable += c;
    } else {
      absl::StrAppendFormat(&printable, "\\x%02x", static_cast<uint8_t>(c));
    }
  }
  return printable;
}

void EventSink::Begin(WriteEvent write) {
  write_ = std::move(write);
  digest_ = EventDigest();
  events_ = 0;
  bytes_ = 0;
  fatal_ = false;
  pieces_.clear();
}

std::string EventSink::Judge(const pushpull_event& event) const {
  if (event.struct_size < sizeof(pushpull_event)) {
    return absl::StrCat("an event with struct_size ", event.struct_size, " instead of ",
                        sizeof(pushpull_event));
  }
  if (event.kind < PUSHPULL_EVENT_PDU || event.kind > PUSHPULL_EVENT_DATA) {
    return absl::StrCat("an event of kind ", event.kind, ", which doesn't exist");
  }
  if (event.bhs_bytes != 0 && event.bhs_bytes != kBhsBytes) {
    return absl::StrCat("an event with a BHS of ", event.bhs_bytes, " bytes");
  }
  if ((event.bhs_bytes != 0 && event.bhs == nullptr) ||
      (event.ahs_bytes != 0 && event.ahs == nullptr) ||
      (event.data_bytes != 0 && event.data == nullptr)) {
    return "an event with bytes at a null pointer";
  }
  if (events_ >= limits_.events) return absl::StrCat("more than ", limits_.events, " events");
  // Each summand on its own first: their sum may overflow.
  if (event.ahs_bytes > limits_.bytes || event.data_bytes > limits_.bytes ||
      bytes_ + event.ahs_bytes + event.data_bytes > limits_.bytes) {
    return absl::StrCat("more than ", limits_.bytes, " bytes of events");
  }
  return {};
}

std::string EventSink::Add(const pushpull_event& event) {
  std::string wrong = Judge(event);
  if (!wrong.empty()) return wrong;
  bytes_ += event.ahs_bytes + event.data_bytes;
  const bool pdu = event.kind == PUSHPULL_EVENT_PDU;
  if (event.kind == PUSHPULL_EVENT_DATA || (pdu && data_only_)) {
    pieces_.insert(pieces_.end(), event.data, event.data + event.data_bytes);
  } else if (pdu) {
    AddPdu(event);
  } else {
    AddStop(event);
  }
  return {};
}

void EventSink::AddStop(const pushpull_event& event) {
  const bool error = event.kind == PUSHPULL_EVENT_ERROR;
  const uint32_t flags = event.flags & (error ? PUSHPULL_FLAG_FATAL : PUSHPULL_FLAG_INSIDE_PDU);
  const uint32_t code = error && !data_only_ ? event.code : 0;
  const std::string_view text = data_only_ ? std::string_view() : TextOf(event);
  ++events_;
  fatal_ = fatal_ || (error && flags != 0);
  Fold(event.kind, flags, code, text);
  if (!write_) return;
  v1::Event told;
  if (error) {
    told.mutable_error()->set_reason(
        absl::StrCat("code ", code, text.empty() ? "" : ": ", Printable(text)));
    if (flags != 0) told.mutable_error()->set_action("close_connection");
  } else {
    told.mutable_end()->set_inside_pdu(flags != 0);
  }
  write_(told);
  if (!error && !text.empty()) WriteOther("says", text, {});
}

void EventSink::AddPdu(const pushpull_event& event) {
  ++events_;
  std::array<uint8_t, kBhsBytes> bhs;
  if (event.bhs_bytes != 0) {
    std::memcpy(bhs.data(), event.bhs, kBhsBytes);
    if (restore_) restore_(bhs);
  }
  const base::Bytes shown(bhs.data(), event.bhs_bytes);
  const base::Bytes ahs(event.ahs, event.ahs_bytes);
  base::Bytes data(event.data, event.data_bytes);
  if (!pieces_.empty()) {
    pieces_.insert(pieces_.end(), data.begin(), data.end());
    data = pieces_;
  }
  const bool discarded = (event.flags & PUSHPULL_FLAG_DATA_DISCARDED) != 0;
  const bool digest_failed = (event.flags & PUSHPULL_FLAG_DATA_DIGEST_FAILED) != 0;
  const std::string_view text = TextOf(event);
  Fold(event.kind, (discarded ? 1u : 0u) | (digest_failed ? 2u : 0u), 0, text);
  FoldBytes(shown);
  FoldBytes(ahs);
  FoldBytes(data);
  if (write_) {
    if (shown.empty() && ahs.empty() && !discarded && !digest_failed) {
      WriteOther("pdu", text, data);
    } else {
      v1::Event told;
      v1::PduComplete& pdu = *told.mutable_pdu();
      pdu.set_bhs(AsString(shown));
      pdu.set_ahs(AsString(ahs));
      pdu.set_data(AsString(data));
      pdu.set_data_discarded(discarded);
      pdu.set_data_digest_failed(digest_failed);
      write_(told);
      if (!text.empty()) WriteOther("says", text, {});
    }
  }
  pieces_.clear();
}

void EventSink::AddOther(std::string_view kind, std::string_view text) {
  ++events_;
  Fold(kOwnKind, 0, 0, text);
  FoldBytes(base::AsBytes(kind));
  if (write_) WriteOther(kind, text, {});
}

void EventSink::Finish() {
  if (pieces_.empty()) return;
  ++events_;
  Fold(PUSHPULL_EVENT_DATA, 0, 0, "");
  FoldBytes(pieces_);
  if (write_) WriteOther("data", data_only_ ? "of all PDUs" : "of no PDU", pieces_);
  pieces_.clear();
}

void EventSink::WriteOther(std::string_view kind, std::string_view text, base::Bytes data) {
  v1::Event told;
  v1::OtherEvent& other = *told.mutable_other();
  other.set_kind(std::string(kind));
  other.set_text(Printable(text));
  other.set_data(AsString(data));
  write_(told);
}

void EventSink::Fold(uint32_t kind, uint32_t flags, uint32_t code, std::string_view text) {
  digest_.Add(uint64_t{kind} << 32 | flags);
  digest_.Add(code);
  FoldBytes(base::AsBytes(text));
}

void EventSink::FoldBytes(base::Bytes bytes) {
  digest_.Add(bytes.size());
  digest_.Add(bytes);
}

}  // namespace pushpull::replay
