#include "target/negotiation/negotiator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "target/negotiation/key_values.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

size_t Index(Key key) { return static_cast<size_t>(key); }

NegotiationError Error(std::string_view key, std::string_view what, std::string_view section) {
  // Names of unknown keys are the initiator's own bytes, bounded by IsKeyName's length.
  return {std::string(key) + ' ' + std::string(what), section};
}

// Keys on which others depend are settled first, however the initiator ordered them (§6.2: the
// result may not depend on it).
constexpr int kLastPrecedence = 3;
int Precedence(const KeyRow* row) {
  if (row == nullptr) return kLastPrecedence;
  switch (row->key) {
    case Key::kRdmaExtensions:
      return 0;
    case Key::kInitialR2t:
    case Key::kImmediateData:
    case Key::kMaxBurstLength:
    case Key::kDataSequenceInOrder:
      return 1;
    case Key::kErrorRecoveryLevel:
      return 2;
    default:
      return kLastPrecedence;
  }
}

bool IsOfRfc7143(const KeyRow& row) { return row.section.starts_with("RFC 7143"); }

}  // namespace

Negotiator::Negotiator(NegotiationLimits limits, const NegotiationContext& context,
                       const SessionParameters& session, const ConnectionParameters& connection,
                       const BugSet& bugs)
    : limits_(std::move(limits)),
      context_(context),
      session_(session),
      connection_(connection),
      bugs_(bugs) {
  session_.session_type = context.session_type;
  CHECK_LE(limits_.node_architecture.size(), kMaxSimpleValueLength);  // §13.26.1
}

base::Result<void, NegotiationError> Negotiator::Receive(NegotiationPhase phase,
                                                         std::span<const KeyValue> pairs,
                                                         TextSender& out,
                                                         std::vector<KeyValue>& authentication) {
  std::vector<const KeyRow*> rows;
  rows.reserve(pairs.size());
  for (const KeyValue& pair : pairs) {
    rows.push_back(FindKey(pair.key));
    PUSHPULL_TRY(CheckPlace(phase, pair, rows.back()));
    PUSHPULL_TRY(CheckFirstTime(pair, rows.back()));
  }
  std::vector<Answer> answers(pairs.size());
  for (int precedence = 0; precedence <= kLastPrecedence; ++precedence) {
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (Precedence(rows[i]) != precedence) continue;
      PUSHPULL_TRY_ASSIGN(answers[i], Handle(phase, pairs[i], rows[i]));
    }
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (answers[i]) out.Add(pairs[i].key, *answers[i]);
    if (rows[i] != nullptr &&
        (rows[i]->key == Key::kAuthMethod || rows[i]->rule == KeyRule::kAuthentication)) {
      authentication.push_back(pairs[i]);
    }
  }
  if (phase == NegotiationPhase::kOperational) return CheckNothingUnanswered();
  return {};
}

Negotiator::Checked Negotiator::CheckPlace(NegotiationPhase phase, const KeyValue& pair,
                                           const KeyRow* row) {
  if (row == nullptr) {
    if (pair.key_is_well_formed) return {};
    return NegotiationError{"a key's name is malformed", "RFC 7143 §6.1"};
  }
  if (IsAnswerWord(pair.value)) return {};  // Handle() knows whether there was a question
  if (!row->by_initiator) return Error(row->name, "is not the initiator's to send", row->section);
  const bool stage_has_it = phase == NegotiationPhase::kSecurity      ? row->security
                            : phase == NegotiationPhase::kOperational ? row->operational
                                                                      : true;
  if (!stage_has_it && StageUnchecked(*row)) return {};
  if (!stage_has_it) return Error(row->name, "is not allowed in this stage", "RFC 7143 §6.3");
  if (phase == NegotiationPhase::kFullFeature && row->use != KeyUse::kAll) {
    // Keys that expect an answer are answered Reject, and X#NodeArchitecture changes nothing.
    const bool harmless =
        (row->negotiated() && row->key != Key::kAuthMethod) || row->key == Key::kNodeArchitecture;
    if (!harmless) {
      return Error(row->name, "can't be used in the Full Feature Phase", "RFC 7143 §13");
    }
  }
  const bool leading_only_declaration = row->use == KeyUse::kLeadingOnly && row->declared() &&
                                        row->key != Key::kSessionType &&
                                        row->key != Key::kNodeArchitecture;
  if (leading_only_declaration && !context_.leading) {
    return Error(row->name, "belongs to the leading login", "RFC 7143 §13");
  }
  return {};
}

Negotiator::Checked Negotiator::CheckFirstTime(const KeyValue& pair, const KeyRow* row) {
  if (row == nullptr) {
    if (bugs_.Has(Bug::kKeyNameOneOver)) KeepName(pair.key);
    const bool first = unknown_seen_.emplace(pair.key).second;
    if (first || bugs_.Has(Bug::kRedeclaredKeyAccepted)) return {};
    return Error(pair.key, "was sent twice", "RFC 7143 §6.3");
  }
  // RFC 7143 §13.12 doesn't say whether it may be declared again within one negotiation.
  if (row->key == Key::kMaxRecvDataSegmentLength) return {};
  if (IsAnswerWord(pair.value) && declared_.test(Index(row->key))) return {};
  if (seen_.test(Index(row->key)) && !bugs_.Has(Bug::kRedeclaredKeyAccepted)) {
    return Error(row->name, "was sent twice", "RFC 7143 §6.3");
  }
  seen_.set(Index(row->key));
  return {};
}

Negotiator::Checked Negotiator::TakeAnswerWord(const KeyValue& pair, const KeyRow* row) {
  if (row != nullptr && row->key == Key::kAuthMethod && declared_.test(Index(row->key))) return {};
  if (row == nullptr && private_declared_.erase(std::string(pair.key)) > 0) return {};
  if (row == nullptr || !declared_.test(Index(row->key))) {
    if (bugs_.Has(Bug::kReservedWordTaken)) return {};
    return Error(pair.key, "proposes a reserved word", "RFC 7143 §6.2");
  }
  declared_.reset(Index(row->key));
  if (pair.value == kValueNotUnderstood) {
    // Of RFC 7143's own keys only this one may be unknown (§13.26.2).
    if (IsOfRfc7143(*row) && row->key != Key::kNodeArchitecture) {
      return Error(row->name, "was answered NotUnderstood", "RFC 7143 §6.2");
    }
  } else if (pair.value == kValueReject) {
    return Error(row->name, "was answered Reject", "RFC 7143 §7.12");
  }
  return {};
}

base::Result<Negotiator::Answer, NegotiationError> Negotiator::Handle(NegotiationPhase phase,
                                                                      const KeyValue& pair,
                                                                      const KeyRow* row) {
  if (row != nullptr && awaiting_.test(Index(row->key))) return HandleAnswer(*row, pair.value);
  if (IsAnswerWord(pair.value)) {
    PUSHPULL_TRY(TakeAnswerWord(pair, row));
    return Answer();
  }
  if (row == nullptr) {
    if (bugs_.Has(Bug::kUnknownKeyUnanswered)) return Answer();
    return Answer(kValueNotUnderstood);
  }
  if (row->rule == KeyRule::kAuthentication) return Answer();
  if (row->section.starts_with("RFC 7145")) {
    // Linux's initiator sends these three, and fails a login that has any other.
    knows_rfc7145_ |= row->key != Key::kRdmaExtensions &&
                      row->key != Key::kTargetRecvDataSegmentLength &&
                      row->key != Key::kInitiatorRecvDataSegmentLength;
    if (bugs_.Has(Bug::kIserKeysNotUnderstood) && row->declared()) {
      return Answer(kValueNotUnderstood);
    }
  }
  for (const std::string_view item : SplitList(pair.value)) {
    const bool is_list = row->rule == KeyRule::kFirstSupported;
    if ((is_list ? item.size() : pair.value.size()) > kMaxSimpleValueLength) {
      return Error(row->name, "has a value of more than 255 bytes", "RFC 7143 §6.1");
    }
  }
  if (row->key == Key::kAuthMethod) return Answer();
  if (row->declared()) return HandleDeclaration(*row, pair.value);
  std::string answer = AnswerOffer(phase, *row, pair.value);
  if (row->key == Key::kRdmaExtensions && bugs_.Has(Bug::kIserRdmaExtensionsUnanswered)) {
    return Answer();
  }
  return Answer(std::move(answer));
}

base::Result<Negotiator::Answer, NegotiationError> Negotiator::HandleDeclaration(
    const KeyRow& row, std::string_view value) {
  if (row.rule == KeyRule::kDeclaredText) {
    if (row.key == Key::kInitiatorAlias) {
      if (!IsUtf8(value)) return Error(row.name, "is not UTF-8", "RFC 7143 §6.1");
      initiator_alias_ = value;
    }
    if (row.key == Key::kNodeArchitecture) node_architecture_ = value;
    return Answer();
  }
  std::optional<uint64_t> number;
  if (row.rule == KeyRule::kDeclaredBoolean) {
    number = ParseBoolean(value);
  } else {
    number = ParseNumber(value);
    if (number && !row.Admits(*number)) number.reset();
  }
  if (!number) {
    if (IsIrrelevant(row)) return Answer();
    return Error(row.name, "has an inadmissible value", row.section);
  }
  switch (row.key) {
    case Key::kMaxRecvDataSegmentLength:
      // RFC 7145 §6.2: to be ignored in iSER-assisted mode.
      if (!session_.rdma_extensions || bugs_.Has(Bug::kIserMaxRecvCounts)) {
        connection_.initiator_max_recv_data_segment_length = static_cast<uint32_t>(*number);
      }
      break;
    case Key::kMaxOutstandingUnexpectedPdus:
      session_.initiator_max_outstanding_unexpected_pdus = static_cast<uint32_t>(*number);
      break;
    case Key::kMaxAhsLength:
      session_.initiator_max_ahs_length = static_cast<uint32_t>(*number);
      break;
    case Key::kTaggedBufferForSolicitedDataOnly:
      session_.tagged_buffer_for_solicited_data_only = *number != 0;
      break;
    case Key::kIserHelloRequired:
      session_.iser_hello_required = *number != 0;
      session_.iser_hello_negotiated = true;
      break;
    default:
      CHECK(false) << row.name;
  }
  return Answer();
}

base::Result<Negotiator::Answer, NegotiationError> Negotiator::HandleAnswer(
    const KeyRow& row, std::string_view value) {
  awaiting_.reset(Index(row.key));
  if (value == kValueReject || value == kValueIrrelevant) return Answer();
  if (value == kValueNotUnderstood) {
    if (!IsOfRfc7143(row)) return Answer();
    return Error(row.name, "was answered NotUnderstood", "RFC 7143 §6.2");
  }
  const uint64_t proposal = proposals_[Index(row.key)];
  std::optional<uint64_t> answer;
  if (row.rule == KeyRule::kAnd || row.rule == KeyRule::kOr) {
    answer = ParseBoolean(value);
  } else {
    answer = ParseNumber(value);
    if (answer && !row.Admits(*answer)) answer.reset();
  }
  const bool may_rise = row.rule == KeyRule::kMaximum || row.rule == KeyRule::kOr;
  if (!answer || (may_rise ? *answer < proposal : *answer > proposal)) {
    return Error(row.name, "was answered against its result function", "RFC 7143 §6.2.2");
  }
  Settle(row.key, *answer);
  return Answer();
}

std::string Negotiator::AnswerOffer(NegotiationPhase phase, const KeyRow& row,
                                    std::string_view value) {
  if (row.key == Key::kTaskReporting && bugs_.Has(Bug::kKnownKeyNotUnderstood)) {
    return std::string(kValueNotUnderstood);
  }
  if (auto wrong = WrongAnswer(phase, row, value)) return *std::move(wrong);
  const std::string reject(kValueReject);
  if (row.rule == KeyRule::kObsolete) {
    const std::optional<NumberRange> interval = ParseRange(value);
    const bool granted = interval && bugs_.Has(Bug::kMarkerIntervalGranted);
    return granted ? std::to_string(interval->low) : reject;
  }
  // Leading-only keys don't change later (§13), and the value in force stays.
  const bool full_feature = phase == NegotiationPhase::kFullFeature;
  const bool lenient = full_feature && bugs_.Has(Bug::kTextRenegotiatesLoginKeys);
  if (full_feature && row.use != KeyUse::kAll && !lenient) return reject;
  if (row.use == KeyUse::kLeadingOnly && !context_.leading && !lenient) return reject;
  if (IsIrrelevant(row)) {
    // Linux's initiator offers digests over iSER too, and knows no answer but the values.
    const std::vector<std::string_view> items = SplitList(value);
    const bool digest = row.key == Key::kHeaderDigest || row.key == Key::kDataDigest;
    const bool none = std::find(items.begin(), items.end(), kValueNone) != items.end();
    return std::string(digest && none ? kValueNone : kValueIrrelevant);
  }
  switch (row.rule) {
    case KeyRule::kFirstSupported:
      return AnswerList(row, value);
    case KeyRule::kAnd:
    case KeyRule::kOr: {
      const std::optional<bool> offered = ParseBoolean(value);
      return offered ? AnswerBoolean(row, *offered) : reject;
    }
    default: {
      const std::optional<uint64_t> offered = ParseNumber(value);
      if (!offered) return reject;
      if (bugs_.Has(Bug::kHexadecimalRefused) && value.size() > 1 && value[0] == '0') return reject;
      const bool admitted = row.Admits(*offered) || bugs_.Has(Bug::kInadmissibleValueTaken);
      return admitted ? AnswerNumber(row, *offered) : reject;
    }
  }
}

std::string Negotiator::AnswerList(const KeyRow& row, std::string_view value) {
  std::optional<uint64_t> choice;
  for (const std::string_view item : SplitList(value)) {
    const std::optional<uint64_t> supported = SupportedItem(row.key, item, limits_);
    if (supported && (!choice || bugs_.Has(Bug::kListPicksLast))) choice = supported;
  }
  if (!choice) return std::string(kValueReject);
  Settle(row.key, *choice);
  return FormatValue(row, *choice);
}

std::string Negotiator::AnswerBoolean(const KeyRow& row, bool offered) {
  const bool wish = Wish(row) != 0;
  const bool is_and = (row.rule == KeyRule::kAnd) != bugs_.Has(Bug::kBooleanAndOrSwapped);
  const bool result = is_and ? offered && wish : offered || wish;
  Settle(row.key, result);
  return FormatValue(row, result);
}

std::string Negotiator::AnswerNumber(const KeyRow& row, uint64_t offered) {
  bool maximum = row.rule == KeyRule::kMaximum;
  if (row.key == Key::kMaxBurstLength && bugs_.Has(Bug::kMaxBurstMaximum)) maximum = true;
  if (row.key == Key::kTargetRecvDataSegmentLength) {
    maximum = bugs_.Has(Bug::kIserTargetSegmentMaximum);
  }
  if (row.key == Key::kInitiatorRecvDataSegmentLength) {
    maximum = bugs_.Has(Bug::kIserInitiatorSegmentMaximum);
  }
  if (row.key == Key::kDefaultTime2Wait && bugs_.Has(Bug::kTime2WaitMinimum)) maximum = false;
  const uint64_t wish = Wish(row);
  const uint64_t result = maximum ? std::max(offered, wish) : std::min(offered, wish);
  Settle(row.key, result);
  return FormatValue(row, result);
}

Negotiator::Checked Negotiator::CheckNothingUnanswered() {
  for (const KeyRow& row : AllKeys()) {
    if (!awaiting_.test(Index(row.key))) continue;
    const uint64_t proposal = proposals_[Index(row.key)];
    // §6.2.2: these two need no answer.
    const bool decided =
        (row.rule == KeyRule::kAnd && proposal == 0) || (row.rule == KeyRule::kOr && proposal == 1);
    if (!decided) return Error(row.name, "was not answered", "RFC 7143 §6.2.2");
    awaiting_.reset(Index(row.key));
    Settle(row.key, proposal);
  }
  return {};
}

bool Negotiator::IsIrrelevant(const KeyRow& row) const {
  const bool discovery = context_.session_type == SessionType::kDiscovery;
  const bool digest = row.key == Key::kHeaderDigest || row.key == Key::kDataDigest;
  const bool rdma = session_.rdma_extensions || (digest && context_.rdma_transport);  // at any time
  const bool unsolicited = !session_.initial_r2t || session_.immediate_data;
  return ((row.irrelevant & kIrrelevantInDiscovery) != 0 && discovery) ||
         ((row.irrelevant & kIrrelevantWithRdma) != 0 && rdma) ||
         ((row.irrelevant & kIrrelevantWithoutRdma) != 0 && !rdma) ||
         ((row.irrelevant & kIrrelevantWithoutUnsolicited) != 0 && !unsolicited);
}

uint64_t Negotiator::Wish(const KeyRow& row) const {
  const uint64_t wish = WishFor(row.key, limits_);
  const auto settled = [this](Key key) { return settled_.test(Index(key)); };
  switch (row.key) {
    case Key::kRdmaExtensions:
      return context_.rdma_transport;
    case Key::kFirstBurstLength:  // §13.14
      if (bugs_.Has(Bug::kFirstBurstAboveMaxBurst)) return wish;
      return std::min<uint64_t>(wish, session_.max_burst_length);
    case Key::kErrorRecoveryLevel:
      if (context_.session_type == SessionType::kDiscovery) return 0;  // §7.4.1
      // §13.19, where the number of R2Ts is settled already.
      if (settled(Key::kMaxOutstandingR2t) && session_.max_outstanding_r2t > 1 &&
          session_.data_sequence_in_order) {
        return 0;
      }
      return wish;
    case Key::kMaxOutstandingR2t:  // §13.19
      return session_.error_recovery_level != 0 && session_.data_sequence_in_order ? 1 : wish;
    default:
      return wish;
  }
}

uint64_t Negotiator::InForce(Key key) const { return GetValue(key, session_, connection_); }

void Negotiator::Settle(Key key, uint64_t value) {
  SetValue(key, value, session_, connection_);
  settled_.set(Index(key));
  if (key == Key::kRdmaExtensions && session_.rdma_extensions) {
    // RFC 7145 §6.2: what was declared before counts no longer, other keys take its place.
    connection_.initiator_max_recv_data_segment_length = kDefaultMaxRecvDataSegmentLength;
    connection_.target_max_recv_data_segment_length = kDefaultMaxRecvDataSegmentLength;
  }
}

void Negotiator::Declare(TextSender& out) {
  const bool normal = context_.session_type == SessionType::kNormal;
  const bool rdma_due = context_.rdma_transport && normal && context_.leading &&
                        !bugs_.Has(Bug::kIserRdmaExtensionsNotNeeded);
  const auto declare = [this, &out](Key key, std::string_view value) {
    if (sent_.test(Index(key))) return;
    sent_.set(Index(key));
    declared_.set(Index(key));
    out.Add(RowOf(key).name, value);
  };
  // RFC 7145 §6.3: with the first response that may have it.
  if (rdma_due && !seen_.test(Index(Key::kRdmaExtensions)) &&
      !sent_.test(Index(Key::kRdmaExtensions))) {
    ProposeKey(RowOf(Key::kRdmaExtensions), 1, out);
  }
  if (!session_.rdma_extensions && !awaiting_.test(Index(Key::kRdmaExtensions)) &&
      !sent_.test(Index(Key::kMaxRecvDataSegmentLength)) && limits_.DeclaresSegment()) {
    declare(Key::kMaxRecvDataSegmentLength, std::to_string(limits_.max_recv_data_segment_length));
    connection_.target_max_recv_data_segment_length = limits_.max_recv_data_segment_length;
  }
  if (!context_.leading) return;
  if (!limits_.node_architecture.empty()) {
    declare(Key::kNodeArchitecture, limits_.node_architecture);
  }
  if (session_.rdma_extensions && !bugs_.Has(Bug::kIserUnexpectedUndeclared) &&
      (knows_rfc7145_ || limits_.always_declare_iser_limits)) {
    declare(Key::kMaxOutstandingUnexpectedPdus,
            std::to_string(limits_.max_outstanding_unexpected_pdus));
    session_.target_max_outstanding_unexpected_pdus = limits_.max_outstanding_unexpected_pdus;
    if (limits_.max_ahs_length != RowOf(Key::kMaxAhsLength).default_value) {
      declare(Key::kMaxAhsLength, std::to_string(limits_.max_ahs_length));
      session_.target_max_ahs_length = limits_.max_ahs_length;
    }
  }
}

void Negotiator::Propose(TextSender& out) {
  for (const KeyRow& row : AllKeys()) {
    if (const std::optional<uint64_t> value = ProposalFor(row)) ProposeKey(row, *value, out);
  }
}

bool Negotiator::WouldPropose() const {
  const bool rdma_is_open = context_.rdma_transport && context_.leading &&
                            context_.session_type == SessionType::kNormal &&
                            !seen_.test(Index(Key::kRdmaExtensions));
  return rdma_is_open || std::ranges::any_of(AllKeys(), [this](const KeyRow& row) {
           return ProposalFor(row).has_value();
         });
}

std::optional<uint64_t> Negotiator::ProposalFor(const KeyRow& row) const {
  const bool has_function = row.rule <= KeyRule::kOr && row.key != Key::kRdmaExtensions;
  if (!has_function || context_.session_type == SessionType::kDiscovery) return std::nullopt;
  if (seen_.test(Index(row.key)) || sent_.test(Index(row.key)) || IsIrrelevant(row)) {
    return std::nullopt;
  }
  if (row.use == KeyUse::kLeadingOnly && !context_.leading) return std::nullopt;
  const uint64_t wish = Wish(row);
  const bool may_rise = row.rule == KeyRule::kMaximum || row.rule == KeyRule::kOr;
  const uint64_t in_force = InForce(row.key);
  if (may_rise ? in_force >= wish : in_force <= wish) return std::nullopt;
  return wish;
}

void Negotiator::ProposeKey(const KeyRow& row, uint64_t value, TextSender& out) {
  sent_.set(Index(row.key));
  awaiting_.set(Index(row.key));
  proposals_[Index(row.key)] = value;
  out.Add(row.name, FormatValue(row, value));
}

base::Result<void, NegotiationError> Negotiator::Finish() {
  CHECK(!awaiting_answers());
  SpoilDefaults();
  if (session_.first_burst_length > session_.max_burst_length &&
      !bugs_.Has(Bug::kFirstBurstAboveMaxBurst)) {
    if (!IsIrrelevant(RowOf(Key::kFirstBurstLength))) {
      return Error("FirstBurstLength", "exceeds MaxBurstLength", "RFC 7143 §13.14");
    }
    session_.first_burst_length = session_.max_burst_length;
  }
  if (session_.error_recovery_level != 0 && session_.data_sequence_in_order &&
      session_.max_outstanding_r2t > 1) {
    return Error("MaxOutstandingR2T", "is above 1", "RFC 7143 §13.19");
  }
  if (WantsKeyAgain()) return Error("RDMAExtensions", "is wanted anew", "no section: a defect");
  if (context_.rdma_transport && context_.session_type == SessionType::kNormal &&
      !session_.rdma_extensions && !bugs_.Has(Bug::kIserRdmaExtensionsNotNeeded)) {
    return Error("RDMAExtensions", "is not Yes on a connection over RDMA", "RFC 7145 §6.3");
  }
  if (!session_.rdma_extensions) {
    const SessionParameters defaults;
    session_.initiator_max_outstanding_unexpected_pdus =
        defaults.initiator_max_outstanding_unexpected_pdus;
    session_.initiator_max_ahs_length = defaults.initiator_max_ahs_length;
    session_.tagged_buffer_for_solicited_data_only = defaults.tagged_buffer_for_solicited_data_only;
    session_.iser_hello_required = defaults.iser_hello_required;
    session_.iser_hello_negotiated = defaults.iser_hello_negotiated;
  }
  return {};
}

}  // namespace pushpull::target
