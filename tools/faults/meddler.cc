#include "tools/faults/meddler.h"

#include <algorithm>
#include <utility>

#include "initiator_sim/pdu/data.h"

namespace pushpull::faults {
namespace {

using initiator_sim::Frame;
using v1::Pdu;

constexpr size_t kStatSnByte = 24;
constexpr size_t kExpStatSnByte = 28;
constexpr size_t kMaxHeaders = 512;

void Append(const std::vector<uint8_t>& bytes, std::vector<uint8_t>* out) {
  out->insert(out->end(), bytes.begin(), bytes.end());
}

bool HasStatus(const Image& image) {
  return image.kind() != Pdu::kDataIn || (image.bhs[1] & 0x01) != 0;
}

// Whether a PDU of the target takes a StatSN of its own: R2Ts and NOP-Ins that answer nothing show
// the next one.
bool TakesStatSn(const Image& image) {
  if (image.kind() == Pdu::kR2T || image.kind() == Pdu::kRaw) return false;
  if (image.kind() == Pdu::kNopIn) return image.Word(16) != initiator_sim::kReservedTag;
  return HasStatus(image);
}

bool EndsTask(const v1::Pdu& pdu) {
  if (pdu.has_data_in()) return pdu.data_in().status_present();
  if (pdu.has_text_response()) return pdu.text_response().final();
  return !pdu.has_r2t();
}

}  // namespace

const v1::Pdu* Passing::RequestOf(const Image& pdu) const {
  const auto found = live.find(pdu.Word(16));
  return found == live.end() ? nullptr : &found->second;
}

std::optional<uint32_t> Passing::OtherTag(const Image& pdu) const {
  for (const auto& [tag, request] : live) {
    if (tag != pdu.Word(16)) return tag;
  }
  return std::nullopt;
}

void Meddler::Renumber(Direction direction, Image* image) const {
  if (shift_ == 0 || image->kind() == Pdu::kRaw) return;
  if (direction == Direction::kToTarget) {
    image->SetWord(kExpStatSnByte, image->Word(kExpStatSnByte) - shift_);
  } else if (HasStatus(*image)) {
    image->SetWord(kStatSnByte, image->Word(kStatSnByte) + shift_);
  }
}

void Meddler::RestoreHeader(Image* image) const {
  if (image->kind() != Pdu::kReject || image->data.size() < initiator_sim::kBhsSize) return;
  const base::Bytes header = base::AsBytes(image->data).first(initiator_sim::kBhsSize);
  for (const auto& [went, came] : changed_headers_) {
    if (!std::equal(header.begin(), header.end(), went.begin())) continue;
    std::copy(came.begin(), came.end(), image->data.begin());
    return;
  }
}

void Meddler::NoteLogin(const v1::Pdu& pdu, const std::string& text) {
  if (pdu.has_login_request()) {
    if (text.find("SessionType=Discovery") != std::string::npos) passing_.discovery = true;
    return;
  }
  login_text_ += text;
  const v1::LoginResponse& response = pdu.login_response();
  if (response.status_class() != 0 || !response.transit() ||
      response.next_stage() != v1::FULL_FEATURE_PHASE) {
    return;
  }
  const initiator_sim::ParsedKeys keys = initiator_sim::ParseKeys(login_text_);
  const auto is_on = [&keys](const char* name) {
    const std::string* value = initiator_sim::FindKey(keys.keys, name);
    return value != nullptr && *value == "CRC32C";
  };
  passing_.digests = {.header_digest = is_on("HeaderDigest"), .data_digest = is_on("DataDigest")};
  passing_.full_feature = true;
  to_target_.framer.set_digests(passing_.digests);
  to_initiator_.framer.set_digests(passing_.digests);
}

void Meddler::NoteRequest(const v1::Pdu& pdu) {
  const uint32_t tag = initiator_sim::InitiatorTaskTagOf(pdu);
  if (tag == initiator_sim::kReservedTag || !initiator_sim::IsRequest(pdu.kind_case()) ||
      pdu.has_data_out() || pdu.has_snack_request()) {
    return;
  }
  passing_.live[tag] = pdu;
}

void Meddler::Note(Direction direction, const Frame& frame, const Image& image) {
  const v1::Pdu& pdu = frame.decoded.pdu;
  if (pdu.has_login_request() || pdu.has_login_response()) NoteLogin(pdu, pdu.data().raw());
  if (direction == Direction::kToTarget) return NoteRequest(pdu);
  if (pdu.has_raw()) return;
  passing_.previous[image.kind()] = image;
  passing_.exp_cmd_sn = image.Word(28);
  passing_.max_cmd_sn = image.Word(32);
  if (pdu.has_logout_response()) passing_.logged_out = true;
  if (EndsTask(pdu)) passing_.live.erase(image.Word(16));
}

void Meddler::PassPdu(Way* way, Direction direction, const Frame& frame,
                      std::vector<uint8_t>* out) {
  const Image came = TakeApart(frame.bytes, way->framer.digests());
  Image image = came;
  Renumber(direction, &image);
  if (direction == Direction::kToInitiator) RestoreHeader(&image);
  // Digest errors of the sender go on as they are.
  const bool sound = frame.decoded.header_digest_ok && frame.decoded.data_digest_ok;
  if (direction == Direction::kToTarget && sound && image.bhs != came.bhs) {
    changed_headers_.emplace_front(image.bhs, came.bhs);
    if (changed_headers_.size() > kMaxHeaders) changed_headers_.pop_back();
  }
  Outcome outcome;
  bool planted = false;
  if (direction == Direction::kToInitiator && TakesStatSn(image)) {
    passing_.next_stat_sn = image.Word(kStatSnByte) + 1;
  }
  // What is kept back would be overtaken by nothing.
  const bool may_plant = planting_->fault != nullptr && way->later.empty();
  if (may_plant && planting_->fault->direction == direction) {
    std::optional<Outcome> changed = planting_->fault->plant(&passing_, image);
    if (changed.has_value()) {
      ++planting_->fits;
      if (planting_->only == 0 || planting_->only == planting_->fits) {
        // What is kept back is out of place only once something has overtaken it.
        if (changed->later.empty()) ++planting_->planted;
        ++passing_.planted;
        planted = true;
        outcome = *std::move(changed);
      }
    }
  }
  Note(direction, frame, came);
  if (!planted && !sound) {
    Append(frame.bytes, out);
  } else if (!planted) {
    Append(PutTogether(image), out);
  }
  for (const Image& now : outcome.now) Append(PutTogether(now), out);
  Append(outcome.raw, out);
  const std::vector<Image> late = std::exchange(way->later, std::move(outcome.later));
  if (!late.empty()) ++planting_->planted;
  for (const Image& image : late) Append(PutTogether(image), out);
  shift_ += static_cast<uint32_t>(outcome.stat_sn_shift);
  passing_.next_stat_sn += static_cast<uint32_t>(outcome.stat_sn_shift);
  if (outcome.end != Outcome::End::kNone) end_ = outcome.end;
}

std::vector<uint8_t> Meddler::Pass(Way* way, Direction direction, base::Bytes bytes) {
  std::vector<uint8_t> out;
  if (end_ != Outcome::End::kNone) return out;
  if (way->lost) return {bytes.begin(), bytes.end()};
  way->framer.Append(bytes);
  while (end_ == Outcome::End::kNone) {
    const std::optional<Frame> frame = way->framer.Next();
    if (!frame.has_value()) break;
    PassPdu(way, direction, *frame, &out);
  }
  if (way->framer.error().has_value()) {
    way->lost = true;
    const base::Bytes rest = way->framer.pending_bytes();
    out.insert(out.end(), rest.begin(), rest.end());
  }
  return out;
}

bool Meddler::changes_requests() const {
  const Fault* fault = planting_->fault;
  return fault != nullptr && (fault->direction == Direction::kToTarget || fault->renumbers);
}

bool Meddler::holds_back_requests() const {
  return !to_target_.later.empty() || (!to_target_.lost && to_target_.framer.pending() > 0);
}

std::vector<uint8_t> Meddler::FromTarget(base::Bytes bytes) {
  return Pass(&to_initiator_, Direction::kToInitiator, bytes);
}

std::vector<uint8_t> Meddler::FromInitiator(base::Bytes bytes) {
  return Pass(&to_target_, Direction::kToTarget, bytes);
}

std::vector<uint8_t> Meddler::FlushFromTarget() {
  std::vector<uint8_t> out;
  for (const Image& late : std::exchange(to_initiator_.later, {})) Append(PutTogether(late), &out);
  return out;
}

std::vector<uint8_t> Meddler::FlushFromInitiator() {
  std::vector<uint8_t> out;
  for (const Image& late : std::exchange(to_target_.later, {})) Append(PutTogether(late), &out);
  if (to_target_.lost) return out;
  const base::Bytes rest = to_target_.framer.pending_bytes();
  out.insert(out.end(), rest.begin(), rest.end());
  to_target_.lost = true;
  return out;
}

Fault OncePerConnection(Fault fault) {
  fault.plant = [plant = std::move(fault.plant)](Passing* passing,
                                                 const Image& pdu) -> std::optional<Outcome> {
    if (passing->planted > 0) return std::nullopt;
    return plant(passing, pdu);
  };
  return fault;
}

}  // namespace pushpull::faults
