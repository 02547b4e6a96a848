#include "target/session/write_flow.h"

#include <algorithm>

namespace pushpull::target {

void WriteFlow::SpoilLength(const BugSet& bugs, ScsiCommand* command) {
  if (!bugs.Has(Bug::kImmediateDataBeyondEdtl)) return;
  command->expected_data_transfer_length =
      std::max(command->expected_data_transfer_length, command->data_segment_length);
}

uint32_t WriteFlow::Begin(const SessionParameters& parameters, const BugSet& bugs,
                          const ScsiCommand& command) {
  parameters_ = &parameters;
  bugs_ = &bugs;
  expected_bytes_ = command.write ? command.expected_data_transfer_length : 0;
  unsolicited_.length = std::min(parameters.first_burst_length, expected_bytes_);

  if (!command.final && bugs.Has(Bug::kImmediateDataBeyondFirstBurst)) {
    unsolicited_.length = expected_bytes_;
  }
  const uint32_t immediate = command.data_segment_length;
  const bool lenient = bugs.Has(Bug::kUnsolicitedWhenInitialR2t);
  if (immediate > 0 && ((!parameters.immediate_data && !lenient) || !command.write)) {
    SetFault(WriteFault::kUnexpectedUnsolicitedData);
  } else if (immediate > unsolicited_.length) {
    if (bugs.Has(Bug::kImmediateDataBeyondFirstBurst) && immediate <= expected_bytes_) {
      unsolicited_.length = immediate;
    } else {
      SetFault(immediate > expected_bytes_ ? WriteFault::kIncorrectAmountOfData
                                           : WriteFault::kUnexpectedUnsolicitedData);
    }
  }
  if (!command.final) {
    // F=0 announces unsolicited Data-Out. Where InitialR2T forbids them they will come all the
    // same: the response waits for their F.
    unsolicited_open_ = true;
    if (parameters.initial_r2t && !lenient) SetFault(WriteFault::kUnexpectedUnsolicitedData);
  }
  if (fault_ != WriteFault::kNone) return 0;
  unsolicited_.received = immediate;
  if (!parameters.data_pdu_in_order && unsolicited_open_) {
    unsolicited_.coverage = std::make_unique<Coverage>();
    unsolicited_.coverage->Add(0, immediate);
  }
  next_offset_ = immediate;
  return immediate;
}

WriteFlow::Sequence* WriteFlow::Find(uint32_t target_transfer_tag) {
  if (target_transfer_tag == kNoTag && unsolicited_open_) return &unsolicited_;
  for (Sequence& sequence : solicited_) {
    if (sequence.target_transfer_tag == target_transfer_tag) return &sequence;
  }
  if (bugs_->Has(Bug::kDataOutTagUnchecked) && !solicited_.empty()) return &solicited_.front();
  if (bugs_->Has(Bug::kTransferTagIsIndex) && !solicited_.empty()) {
    return solicited_.data() + (target_transfer_tag - solicited_.front().target_transfer_tag);
  }
  return nullptr;
}

WriteFlow::Acceptance WriteFlow::Refuse(Reason reason, std::string_view section, Action action,
                                        WriteFault fault) {
  SetFault(fault);
  return {.discard = true, .error = ProtocolError{reason, section, action}};
}

WriteFlow::Acceptance WriteFlow::Accept(const DataOut& header, uint64_t lun) {
  Sequence* const sequence = Find(header.target_transfer_tag);
  if (sequence == nullptr) {
    if (header.target_transfer_tag == kNoTag) {
      // Neither announced by F=0 nor asked for.
      return Refuse(Reason::kUnexpectedUnsolicitedData, "RFC 7143 §11.4.7.2", Action::kReject,
                    WriteFault::kUnexpectedUnsolicitedData);
    }
    return Refuse(Reason::kUnknownTransferTag, "RFC 7143 §11.8.5", Action::kReject,
                  WriteFault::kNone);
  }
  // LUN is reserved where no tag qualifies it (RFC 7143 §11.7.4).
  if (sequence != &unsolicited_ && header.lun != lun && !bugs_->Has(Bug::kDataOutLunUnchecked)) {
    return Refuse(Reason::kInvalidLun, "RFC 7143 §4.2.5.3", Action::kReject,
                  WriteFault::kIncorrectAmountOfData);
  }
  if (header.data_sn != sequence->next_data_sn && !bugs_->Has(Bug::kDataSnUnchecked)) {
    // A PDU is missing: as if its digest had been wrong (RFC 7143 §7.9).
    return Refuse(Reason::kDataSequence, "RFC 7143 §7.9", Action::kCheckCondition,
                  WriteFault::kCrcError);
  }
  ++sequence->next_data_sn;
  // What was refused before makes no gap; what comes after it is of no use.
  if (fault_ != WriteFault::kNone) return {.discard = true};
  return parameters_->data_pdu_in_order ? Place(*sequence, header)
                                        : PlaceAnywhere(*sequence, header);
}

WriteFlow::Acceptance WriteFlow::Place(Sequence& sequence, const DataOut& header) {
  const uint32_t due = sequence.offset + sequence.received;
  const uint64_t end = uint64_t{header.buffer_offset} + header.data_segment_length;
  const uint32_t room = sequence.length - sequence.received;
  if (header.data_segment_length > room || header.buffer_offset != due) {
    const bool inside =
        end <= uint64_t{sequence.offset} + sequence.length || bugs_->Has(Bug::kDataOutBeyondBuffer);
    const bool unchecked =
        bugs_->Has(Bug::kDataOutOffsetUnchecked) || bugs_->Has(Bug::kDataOutBeyondBuffer);
    if (unchecked && header.data_segment_length <= room && inside) {
      sequence.received += header.data_segment_length;
      return {.offset = due, .length = header.data_segment_length};
    }
    // An empty one moves nothing: its offset can't be wrong.
    if (header.data_segment_length == 0) return {.offset = due};
    return Refuse(Reason::kBufferOffset, "RFC 7143 §11.7.6", Action::kReject,
                  WriteFault::kIncorrectAmountOfData);
  }
  sequence.received += header.data_segment_length;
  return {.offset = due, .length = header.data_segment_length};
}

WriteFlow::Acceptance WriteFlow::PlaceAnywhere(Sequence& sequence, const DataOut& header) {
  const uint64_t begin = header.buffer_offset;
  const uint64_t end = begin + header.data_segment_length;
  const bool inside =
      begin >= sequence.offset && end <= uint64_t{sequence.offset} + sequence.length;
  if (header.data_segment_length == 0) return {.offset = sequence.offset};
  if (!inside) {
    return Refuse(Reason::kBufferOffset, "RFC 7143 §11.7.6", Action::kReject,
                  WriteFault::kIncorrectAmountOfData);
  }
  if (sequence.coverage == nullptr) sequence.coverage = std::make_unique<Coverage>();
  if (!sequence.coverage->Add(static_cast<uint32_t>(begin - sequence.offset),
                              static_cast<uint32_t>(end - sequence.offset))) {
    return Refuse(Reason::kBufferOffset, "RFC 7143 §11.7.6", Action::kReject,
                  WriteFault::kIncorrectAmountOfData);
  }
  const uint32_t due = sequence.offset + sequence.received;
  sequence.received += header.data_segment_length;
  return {.offset = bugs_->Has(Bug::kUnorderedDataMisplaced) ? due : header.buffer_offset,
          .length = header.data_segment_length};
}

void WriteFlow::Complete(const DataOut& header, bool intact) {
  Sequence* const sequence = Find(header.target_transfer_tag);
  if (sequence == nullptr) return;
  const bool other_sense = bugs_->Has(Bug::kDigestErrorOtherSense);
  if (!intact) {
    SetFault(other_sense ? WriteFault::kUnexpectedUnsolicitedData : WriteFault::kCrcError);
  }
  const bool ends = header.final ||
                    (bugs_->Has(Bug::kDataOutEmptyEndsSequence) && header.data_segment_length == 0);
  if (!ends) return;
  if (sequence == &unsolicited_) return EndUnsolicited();
  // RFC 7143 §11.4.7.2: less than the R2T asked for.
  if (sequence->received != sequence->length && !bugs_->Has(Bug::kDataOutShortAccepted)) {
    SetFault(WriteFault::kIncorrectAmountOfData);
  }
  solicited_.erase(solicited_.begin() + (sequence - solicited_.data()));
}

// RFC 7143 §4.2.5.2: who sends unsolicited Data-Out sends FirstBurstLength bytes, or all there is.
// Where all there is would have been less than FirstBurstLength no error is foreseen: the rest is
// asked for.
void WriteFlow::EndUnsolicited() {
  unsolicited_open_ = false;
  const bool more = unsolicited_.received > parameters_->first_burst_length;
  const bool short_burst = expected_bytes_ > parameters_->first_burst_length &&
                           unsolicited_.received != parameters_->first_burst_length &&
                           !(more && bugs_->Has(Bug::kImmediateDataBeyondFirstBurst));
  const bool holes = unsolicited_.coverage != nullptr && !unsolicited_.coverage->contiguous();
  if (short_burst || holes) SetFault(WriteFault::kIncorrectAmountOfData);
  if (fault_ == WriteFault::kNone) next_offset_ = unsolicited_.received;
}

void WriteFlow::Solicit(uint64_t bytes) {
  soliciting_ = true;
  end_ = static_cast<uint32_t>(std::min<uint64_t>(expected_bytes_, bytes));
  if (bugs_->Has(Bug::kR2tOffsetRepeats) && quiet() && fault_ == WriteFault::kNone) {
    next_offset_ = 0;
  }
  if (variation_ != nullptr) {
    choice_ = variation_->ForWrite(end_);
    ChooseNext();
  }
}

void WriteFlow::Vary(DataVariation* variation) { variation_ = variation; }

void WriteFlow::ChooseNext() {
  chosen_bytes_ = variation_->R2tLength(choice_, parameters_->max_burst_length);
  from_behind_ = !parameters_->data_sequence_in_order && variation_->R2tFromBehind();
}

uint32_t WriteFlow::BurstLimit() const {
  return bugs_->Has(Bug::kR2tBeyondMaxBurst) ? UINT32_MAX : parameters_->max_burst_length;
}

uint32_t WriteFlow::next_request_bytes() const {
  if (!soliciting_ || unsolicited_open_ || fault_ != WriteFault::kNone || next_offset_ >= end_) {
    return 0;
  }
  if (solicited_.size() >= parameters_->max_outstanding_r2t &&
      !bugs_->Has(Bug::kR2tTooManyOutstanding)) {
    return 0;
  }
  if (solicited_.size() >= choice_.outstanding) return 0;
  return std::min({BurstLimit(), end_ - next_offset_, chosen_bytes_});
}

std::optional<WriteFlow::Request> WriteFlow::NextRequest(uint32_t target_transfer_tag) {
  uint32_t length = next_request_bytes();
  if (length == 0) return std::nullopt;
  uint32_t offset = next_offset_;
  if (from_behind_) {
    offset = end_ -= length;
  } else {
    next_offset_ += length;
  }
  if (variation_ != nullptr) ChooseNext();
  if (bugs_->Has(Bug::kR2tBeyondEdtl) && next_offset_ == end_ && end_ <= UINT32_MAX - 512) {
    length += 512;
  }
  Sequence sequence;
  sequence.target_transfer_tag = target_transfer_tag;
  sequence.offset = offset;
  sequence.length = length;
  solicited_.push_back(std::move(sequence));
  const uint32_t r2t_sn = bugs_->Has(Bug::kR2tSnRepeats) ? 0 : next_r2t_sn_++;
  if (bugs_->Has(Bug::kR2tSnLosesCarry)) next_r2t_sn_ &= 0xff;
  if (bugs_->Has(Bug::kR2tOffset16Bits)) offset &= 0xffff;
  return Request{target_transfer_tag, r2t_sn, offset, length};
}

}  // namespace pushpull::target
