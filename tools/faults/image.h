// One PDU in its parts, to be changed and put together again.

#ifndef TOOLS_FAULTS_IMAGE_H_
#define TOOLS_FAULTS_IMAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/pdu/figure.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::faults {

struct Image {
  initiator_sim::Bhs bhs{};  // its lengths as they are on the wire, right or wrong
  std::string ahs;
  std::string data;
  std::string pad;
  initiator_sim::Digests digests;
  // XORed into the digests, which are right otherwise.
  uint32_t header_digest_flaw = 0;
  uint32_t data_digest_flaw = 0;

  initiator_sim::PduKind kind() const { return initiator_sim::KindOf(bhs[0] & 0x3f); }
  uint64_t Get(const initiator_sim::Field& field) const;
  void Set(const initiator_sim::Field& field, uint64_t value);  // cut to the field's width
  uint32_t Word(size_t byte) const { return base::LoadBe32(&bhs[byte]); }
  void SetWord(size_t byte, uint32_t value) { base::StoreBe32(&bhs[byte], value); }

  // With the length field and the pad that fit it.
  void SetData(std::string_view bytes);
  void SetDataSegmentLength(uint32_t length) { base::StoreBe24(&bhs[5], length); }
  uint32_t data_segment_length() const { return base::LoadBe24(&bhs[5]); }
};

Image TakeApart(base::Bytes bytes, initiator_sim::Digests digests);
std::vector<uint8_t> PutTogether(const Image& image);

// What `pdu` is on the wire. It must be one that can be written.
Image ImageOf(const v1::Pdu& pdu, initiator_sim::Digests digests);
v1::Pdu Decoded(const Image& image);

// A field of a kind by its name in pdu.proto; the kind must have it.
const initiator_sim::Field& FieldNamed(initiator_sim::PduKind kind, std::string_view name);
// nullptr: the kind has none of that name.
const initiator_sim::Field* FindField(initiator_sim::PduKind kind, std::string_view name);
std::string NameOfField(initiator_sim::PduKind kind, const initiator_sim::Field& field);
// "scsi_response"
std::string NameOfKind(initiator_sim::PduKind kind);

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_IMAGE_H_
