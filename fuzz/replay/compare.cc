#include "fuzz/replay/compare.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace pushpull::replay {
namespace {

// Of a steady receiver, which is quick.
constexpr uint64_t kProgressEvery = 16;
constexpr int kConfirmations = 3;

// Numbers that were seen, up to a limit.
class Distinct {
 public:
  void Add(Source source, uint64_t spans) {
    if (spans == 0 || seen_.size() >= TraceResult::kMaxDistinct) return;
    seen_.insert(spans ^ static_cast<uint64_t>(source) << 62);
  }
  uint64_t count() const { return seen_.size(); }

 private:
  absl::flat_hash_set<uint64_t> seen_;
};

}  // namespace

absl::StatusOr<Oracle> Oracle::Make(const Trace& trace, Receiver* receiver) {
  const std::vector<Source> sources = receiver->sources();
  if (sources.empty()) {
    return absl::UnimplementedError(
        absl::StrCat(receiver->name(), " has no source by which it takes this trace"));
  }
  const auto play = [&](Source source) -> absl::StatusOr<Reference> {
    Reference reference{Whole(trace, source), {}, {}};
    PUSHPULL_ASSIGN_OR_RETURN(reference.outcome, receiver->Play(reference.delivery));
    return reference;
  };
  Oracle oracle;
  PUSHPULL_ASSIGN_OR_RETURN(oracle.pull_, play(sources.front()));
  const bool pushes = std::find(sources.begin(), sources.end(), Source::kPush) != sources.end();
  if (pushes && sources.front() != Source::kPush && !receiver->push_equals_pull()) {
    PUSHPULL_ASSIGN_OR_RETURN(oracle.push_, play(Source::kPush));
  }
  return oracle;
}

bool Oracle::Reference::Differs(const Outcome& other) const {
  return other.fault || (other.events_digest != outcome.events_digest &&
                         std::find(also.begin(), also.end(), other.events_digest) == also.end());
}

absl::StatusOr<Oracle::Judgement> Oracle::Judge(const Delivery& delivery, const Outcome& outcome,
                                                Receiver* receiver) {
  const bool push = delivery.source == Source::kPush && push_.has_value();
  Reference& reference = push ? *push_ : pull_;
  if (!reference.Differs(outcome)) return Judgement::kSame;
  // A broken promise isn't one of comparison.
  if (receiver->steady() || outcome.fault) return Judgement::kDiffers;
  for (int i = 0; i < kConfirmations; ++i) {
    PUSHPULL_ASSIGN_OR_RETURN(const Outcome whole, receiver->Play(reference.delivery));
    if (reference.Differs(whole) && !whole.fault) reference.also.push_back(whole.events_digest);
    PUSHPULL_ASSIGN_OR_RETURN(const Outcome again, receiver->Play(delivery));
    if (!reference.Differs(again) || !reference.Differs(outcome)) return Judgement::kUnsteady;
  }
  return Judgement::kDiffers;
}

absl::StatusOr<bool> Oracle::Differs(const Delivery& delivery, Receiver* receiver) {
  PUSHPULL_ASSIGN_OR_RETURN(const Outcome outcome, receiver->Play(delivery));
  PUSHPULL_ASSIGN_OR_RETURN(const Judgement judgement, Judge(delivery, outcome, receiver));
  return judgement == Judgement::kDiffers;
}

absl::StatusOr<TraceResult> Compare(const Trace& trace, Receiver* receiver, Oracle* oracle,
                                    const std::optional<Delivery>& own, Deliveries* deliveries,
                                    const std::function<bool(uint64_t)>& progress) {
  TraceResult result;
  result.trace = trace.name;
  result.events = oracle->reference().events;
  result.left_out = deliveries->left_out();
  Distinct distinct;
  // Whether to go on.
  const auto play = [&](const Delivery& delivery) -> absl::StatusOr<bool> {
    PUSHPULL_ASSIGN_OR_RETURN(const Outcome outcome, receiver->Play(delivery));
    ++result.deliveries;
    distinct.Add(delivery.source, outcome.spans_digest);
    PUSHPULL_ASSIGN_OR_RETURN(const Oracle::Judgement judgement,
                              oracle->Judge(delivery, outcome, receiver));
    if (judgement == Oracle::Judgement::kDiffers) result.finding = delivery;
    if (judgement == Oracle::Judgement::kUnsteady) ++result.unsteady;
    if (progress && (!receiver->steady() || result.deliveries % kProgressEvery == 1)) {
      result.stopped = !progress(result.deliveries);
    }
    return !result.finding.has_value() && !result.stopped;
  };

  absl::StatusOr<bool> go_on = play(oracle->ReferenceOf(receiver->sources().front()));
  if (go_on.ok() && *go_on && own.has_value()) go_on = play(*own);
  Delivery delivery;
  while (go_on.ok() && *go_on && deliveries->Next(&delivery)) go_on = play(delivery);
  if (!go_on.ok()) return go_on.status();
  result.distinct = distinct.count();
  return result;
}

}  // namespace pushpull::replay
