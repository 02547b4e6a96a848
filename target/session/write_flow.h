// The data of one write on its way in: immediate, unsolicited and solicited (RFC 7143 §4.2.5.2,
// §11.7, §11.8), without buffers and without PDUs. It decides what may come, where it belongs, what
// is asked for next, and what the command suffers if the initiator did otherwise.
//
// A Data-Out passes twice: Accept() when its header is there, before a byte of its data is taken,
// and Complete() in the order of the queue when its data is there and was checked. Between the two
// the header of the next one may have been accepted.

#ifndef TARGET_SESSION_WRITE_FLOW_H_
#define TARGET_SESSION_WRITE_FLOW_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "target/bugs/bugs.h"
#include "target/negotiation/parameters.h"
#include "target/pdu/protocol_error.h"
#include "target/pdu/request.h"
#include "target/session/coverage.h"
#include "target/variation/data_variation.h"

namespace pushpull::target {

// What a write ends with if its data was not as it had to be (RFC 7143 §11.4.7.2), or had no room.
enum class WriteFault : uint8_t {
  kNone,
  kUnexpectedUnsolicitedData,
  kIncorrectAmountOfData,
  kCrcError,
  kNoRoom,
};

class WriteFlow {
 public:
  // What became of a Data-Out's header. The data belongs at [offset, offset + length) of the
  // command's data, or nowhere.
  struct Acceptance {
    bool discard = false;
    uint32_t offset = 0;
    uint32_t length = 0;
    std::optional<ProtocolError> error = std::nullopt;  // only with `discard`
  };

  struct Request {  // an R2T
    uint32_t target_transfer_tag;
    uint32_t r2t_sn;
    uint32_t offset;
    uint32_t length;
  };

  // Bug::kImmediateDataBeyondEdtl: what came counts as announced.
  static void SpoilLength(const BugSet& bugs, ScsiCommand* command);

  // A SCSI Command came. `parameters` and `bugs` must outlive the flow. How many of its immediate
  // bytes are to be kept, from offset 0 on: all or none; why, if none, says fault().
  uint32_t Begin(const SessionParameters& parameters, const BugSet& bugs,
                 const ScsiCommand& command);

  // The most that may come without an R2T, immediate data included.
  uint32_t unsolicited_bytes() const { return unsolicited_.length; }

  // The header of a Data-Out of this task. `lun` is the command's.
  Acceptance Accept(const DataOut& header, uint64_t lun);

  // Its data was received. `intact`: the data digest was right, or there was none.
  void Complete(const DataOut& header, bool intact);

  // Chooses among the R2Ts that may be sent. `variation` outlives the flow.
  void Vary(DataVariation* variation);

  // The command was delivered and moves `bytes`: R2Ts may now ask for what is missing of it.
  void Solicit(uint64_t bytes);

  // No further R2T: the command is to end.
  void StopSoliciting() { end_ = next_offset_; }

  // The next R2T, if there is one to be sent now. Its tag is `target_transfer_tag`.
  std::optional<Request> NextRequest(uint32_t target_transfer_tag);

  // How many bytes the next R2T would ask for; 0 where there is none for now.
  uint32_t next_request_bytes() const;
  // Where it would end.
  uint32_t next_request_end() const {
    return from_behind_ ? end_ : next_offset_ + next_request_bytes();
  }

  // Whether an R2T waits for its answer's F.
  bool has_open_requests() const { return !solicited_.empty(); }
  // Whether F of unsolicited Data-Out is due.
  bool unsolicited_open() const { return unsolicited_open_; }
  // Whether no data is due: for what was asked, F has come (RFC 7143 §11.4.2).
  bool quiet() const { return !unsolicited_open_ && solicited_.empty(); }
  // Whether all that the command moves has come, or an error is sure, and no data is due.
  bool gathered() const { return quiet() && (fault_ != WriteFault::kNone || AllRequested()); }

  WriteFault fault() const { return fault_; }
  // The first fault counts.
  void SetFault(WriteFault fault) {
    if (fault_ == WriteFault::kNone) fault_ = fault;
  }

  // Calls `visit(tag)` with the Target Transfer Tag of each open sequence; kNoTag for unsolicited
  // data.
  template <typename Visitor>
  void VisitOpen(Visitor visit) const {
    if (unsolicited_open_) visit(kNoTag);
    for (const Sequence& sequence : solicited_) visit(sequence.target_transfer_tag);
  }

 private:
  // A range that a sequence of Data-Out answers.
  struct Sequence {
    uint32_t target_transfer_tag = kNoTag;
    uint32_t offset = 0;
    uint32_t length = 0;
    uint32_t received = 0;  // bytes whose place was given
    uint32_t next_data_sn = 0;
    std::unique_ptr<Coverage> coverage;  // only where PDUs come in any order
  };

  bool AllRequested() const { return soliciting_ && next_offset_ >= end_; }
  uint32_t BurstLimit() const;
  void ChooseNext();
  Sequence* Find(uint32_t target_transfer_tag);
  Acceptance Refuse(Reason reason, std::string_view section, Action action, WriteFault fault);
  Acceptance Place(Sequence& sequence, const DataOut& header);
  Acceptance PlaceAnywhere(Sequence& sequence, const DataOut& header);
  void EndUnsolicited();

  const SessionParameters* parameters_ = nullptr;
  const BugSet* bugs_ = nullptr;
  uint32_t expected_bytes_ = 0;  // EDTL
  Sequence unsolicited_;         // counts immediate data as received
  bool unsolicited_open_ = false;
  bool soliciting_ = false;
  uint32_t next_offset_ = 0;  // where the next R2T begins
  uint32_t end_ = 0;          // where the last one ends
  uint32_t next_r2t_sn_ = 0;
  DataVariation* variation_ = nullptr;
  R2tChoice choice_;
  uint32_t chosen_bytes_ = UINT32_MAX;  // the next R2T asks for no more
  bool from_behind_ = false;            // the next R2T asks for the end of what is missing
  absl::InlinedVector<Sequence, 2> solicited_;
  WriteFault fault_ = WriteFault::kNone;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_WRITE_FLOW_H_
