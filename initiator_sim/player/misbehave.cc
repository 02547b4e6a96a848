#include "initiator_sim/player/misbehave.h"

#include <algorithm>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::initiator_sim {
namespace {

// How far ahead of the truth an ExpStatSN goes that acknowledges what was never sent.
constexpr uint32_t kFarAhead = 1000;
// Of a Data-Out that is too long or too short.
// An initiator opcode that RFC 7143 §11.2.1.2 leaves reserved.
constexpr uint32_t kReservedOpcode = 0x0b;

absl::Status Impossible(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("misbehaviour: ", base::ToAbsl(what)));
}

// The value that a field has, or will have.
absl::StatusOr<uint64_t> NumberAt(const v1::Pdu& pdu, std::string_view field) {
  PUSHPULL_ASSIGN_OR_RETURN(const auto value, GetField(pdu, field));
  if (!value) return uint64_t{0};
  if (const uint64_t* number = std::get_if<uint64_t>(&*value)) return *number;
  return Impossible(absl::StrCat(base::ToAbsl(field), " is no number"));
}

absl::Status Add(v1::Pdu* pdu, std::string_view field, uint64_t add) {
  PUSHPULL_ASSIGN_OR_RETURN(const uint64_t value, NumberAt(*pdu, field));
  return SetField(pdu, field, value + add);
}

absl::Status DisturbDigest(bool header, const MisbehaviourContext& context, v1::Pdu* pdu) {
  const bool on = header ? context.digests.header_digest : context.digests.data_digest;
  if (!on) {
    return Impossible(header ? "no header digest is on; offer HeaderDigest=CRC32C, and "
                               "require_negotiated before this step"
                             : "no data digest is on; offer DataDigest=CRC32C, and "
                               "require_negotiated before this step");
  }
  PUSHPULL_ASSIGN_OR_RETURN(const EncodedPdu encoded, Encode(*pdu, context.digests));
  const size_t offset = header ? encoded.layout.header_digest : encoded.layout.data_digest;
  if (offset >= encoded.layout.end) return Impossible("a PDU without data has no data digest");
  v1::Patch* patch = pdu->add_patch();
  patch->set_offset(static_cast<uint32_t>(offset));
  patch->set_xor_(std::string(1, '\x01'));
  patch->set_after_digests(true);
  return absl::OkStatus();
}

absl::Status DisturbPad(v1::Pdu* pdu) {
  PUSHPULL_ASSIGN_OR_RETURN(const std::string data, DataBytes(pdu->data()));
  const size_t pad = (4 - data.size() % 4) % 4;
  if (pad == 0) return Impossible("PAD_NOT_ZERO needs data whose length is no multiple of 4");
  pdu->set_pad(std::string(pad, '\xff'));
  return absl::OkStatus();
}

// Sets a length to what is there and `add` more.
absl::Status Lie(bool ahs, uint32_t add, const MisbehaviourContext& context, v1::Pdu* pdu) {
  PUSHPULL_ASSIGN_OR_RETURN(const EncodedPdu encoded, Encode(*pdu, context.digests));
  if (ahs) {
    const size_t words = (encoded.layout.header_digest - encoded.layout.ahs) / 4;
    pdu->set_total_ahs_length(static_cast<uint32_t>(words) + add);
  } else {
    const size_t length = encoded.layout.pad - encoded.layout.data;
    pdu->set_data_segment_length(static_cast<uint32_t>(length) + add);
  }
  return absl::OkStatus();
}

absl::Status ChangeAmount(bool more, const MisbehaviourContext& context, v1::Pdu* pdu) {
  if (!pdu->has_data_out()) return Impossible("only a Data-Out can bring too much or too little");
  PUSHPULL_ASSIGN_OR_RETURN(std::string data, DataBytes(pdu->data()));
  if (more) {
    const uint64_t end = uint64_t{pdu->data_out().buffer_offset()} + data.size();
    data += context.data_at ? context.data_at(end, kDataOff) : std::string(kDataOff, '\0');
  } else {
    if (data.empty()) return Impossible("LESS_DATA_THAN_R2T needs data");
    data.resize(data.size() - std::min(kDataOff, (data.size() + 1) / 2));
  }
  pdu->mutable_data()->set_raw(data);
  pdu->mutable_data_out()->set_final(true);
  return absl::OkStatus();
}

absl::Status SetReservedBits(v1::Pdu* pdu) {
  const Bhs& mask = ReservedMask(pdu->kind_case());
  if (std::all_of(mask.begin(), mask.end(), [](uint8_t byte) { return byte == 0; })) {
    return Impossible("this PDU has no reserved bits");
  }
  v1::Patch* patch = pdu->add_patch();
  patch->set_xor_(std::string(mask.begin(), mask.end()));
  return absl::OkStatus();
}

absl::Status RepeatDataSn(v1::Pdu* pdu) {
  PUSHPULL_ASSIGN_OR_RETURN(const uint64_t data_sn, NumberAt(*pdu, "data_sn"));
  if (data_sn == 0) return Impossible("the first Data-Out of a sequence has none to repeat");
  return SetField(pdu, "data_sn", data_sn - 1);
}

absl::Status ChangeTransferTag(v1::Pdu* pdu) {
  PUSHPULL_ASSIGN_OR_RETURN(const uint64_t tag, NumberAt(*pdu, "target_transfer_tag"));
  const uint64_t other = tag ^ 0x5a5a5a5a;
  return SetField(pdu, "target_transfer_tag", other == kReservedTag ? other - 1 : other);
}

absl::Status ChangeLun(v1::Pdu* pdu) {
  PUSHPULL_ASSIGN_OR_RETURN(const uint64_t lun_bytes, NumberAt(*pdu, "lun_bytes"));
  // The last bit of the first level's number, in either coding.
  return SetField(pdu, "lun_bytes", lun_bytes ^ (uint64_t{1} << 48));
}

}  // namespace

absl::Status Misbehave(v1::Misbehaviour misbehaviour, const MisbehaviourContext& context,
                       v1::Pdu* pdu) {
  switch (misbehaviour) {
    case v1::DATA_SN_GAP:
      return Add(pdu, "data_sn", 1);
    case v1::DATA_SN_REPEATED:
      return RepeatDataSn(pdu);
    case v1::CMD_SN_ABOVE_WINDOW:
      return SetField(pdu, "cmd_sn", uint64_t{context.session->max_cmd_sn + 1});
    case v1::CMD_SN_BELOW_WINDOW:
      return SetField(pdu, "cmd_sn", uint64_t{context.session->exp_cmd_sn - 1});
    case v1::CMD_SN_GAP:
      return Add(pdu, "cmd_sn", 1);
    case v1::PAD_NOT_ZERO:
      return DisturbPad(pdu);
    case v1::AHS_LENGTH_LIES:
      return Lie(/*ahs=*/true, 1, context, pdu);
    case v1::DATA_SEGMENT_LENGTH_LIES:
      return Lie(/*ahs=*/false, 4, context, pdu);
    case v1::HEADER_DIGEST_WRONG:
      return DisturbDigest(/*header=*/true, context, pdu);
    case v1::DATA_DIGEST_WRONG:
      return DisturbDigest(/*header=*/false, context, pdu);
    case v1::BUFFER_OFFSET_BEYOND_R2T:
      return SetField(pdu, "buffer_offset", uint64_t{context.r2t_end});
    case v1::TARGET_TRANSFER_TAG_UNKNOWN:
      return ChangeTransferTag(pdu);
    case v1::INITIATOR_TASK_TAG_IN_USE:
      if (context.tag_in_use == kReservedTag)
        return Impossible("no task is running whose tag could be used");
      return SetField(pdu, "initiator_task_tag", uint64_t{context.tag_in_use});
    case v1::FINAL_MISSING:
      return SetField(pdu, "final", uint64_t{0});
    case v1::RESERVED_BITS_SET:
      return SetReservedBits(pdu);
    case v1::OPCODE_RESERVED:
      pdu->set_opcode(kReservedOpcode);
      return absl::OkStatus();
    case v1::EXP_STAT_SN_AHEAD:
      return Add(pdu, "exp_stat_sn", kFarAhead);
    case v1::EXP_STAT_SN_BEHIND:
      return Add(pdu, "exp_stat_sn", ~uint64_t{0});
    case v1::LUN_OTHER_THAN_COMMANDS:
      return ChangeLun(pdu);
    case v1::MORE_DATA_THAN_R2T:
      return ChangeAmount(/*more=*/true, context, pdu);
    case v1::LESS_DATA_THAN_R2T:
      return ChangeAmount(/*more=*/false, context, pdu);
    default:
      // Those that are no matter of a PDU's fields (KEY_SPLIT_ACROSS_PDUS, TRUNCATED), and none.
      return absl::OkStatus();
  }
}

bool WithholdsLastByte(v1::Misbehaviour misbehaviour) { return misbehaviour == v1::TRUNCATED; }

bool EndsWriting(v1::Misbehaviour misbehaviour) {
  return misbehaviour == v1::TRUNCATED || misbehaviour == v1::DATA_SEGMENT_LENGTH_LIES;
}

bool IsIserMisbehaviour(v1::Misbehaviour misbehaviour) {
  return misbehaviour >= v1::ISER_SHORT_SEND;
}

}  // namespace pushpull::initiator_sim
