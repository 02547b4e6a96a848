#include "fuzz/replay/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace pushpull::replay {
namespace {

constexpr char kHeads[] = "%-*s  %14s  %11s  %7s  %s\n";

std::string Line(size_t columns, const std::string& name, const std::string& deliveries,
                 const std::string& distinct, const std::string& events,
                 const std::string& result) {
  return absl::StrFormat(kHeads, static_cast<int>(columns), name, deliveries, distinct, events,
                         result);
}

}  // namespace

std::string Grouped(uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

Table::Table(size_t name_columns) : name_columns_(std::max<size_t>(name_columns, 5)) {}

std::string Table::Header() const {
  return Line(name_columns_, "trace", "deliveries", "distinct", "events", "result");
}

std::string Table::Row(const Replayed& replayed) {
  const TraceResult& result = replayed.result;
  if (!replayed.refused.empty()) {
    ++refused_;
    return Line(name_columns_, result.trace, "-", "-", "-", "refused: " + replayed.refused);
  }
  ++traces_;
  deliveries_ += result.deliveries;
  distinct_ += result.distinct;
  unsteady_ += result.unsteady;
  if (replayed.finding.has_value()) ++findings_;
  for (const std::string& item : result.left_out) ++left_out_[item.substr(0, item.find(" ("))];
  std::string outcome = result.stopped ? "same so far" : "same";
  if (result.unsteady > 0) absl::StrAppend(&outcome, ", ", result.unsteady, " unsteady");
  if (!result.left_out.empty()) {
    absl::StrAppend(&outcome, "; not played: ", absl::StrJoin(result.left_out, ", "));
  }
  if (replayed.finding.has_value()) outcome = "DIFFERS: " + ToString(replayed.finding->least);
  const bool many = result.distinct >= TraceResult::kMaxDistinct;
  return Line(name_columns_, result.trace, Grouped(result.deliveries),
              result.distinct == 0 ? "-" : absl::StrCat(many ? ">=" : "", Grouped(result.distinct)),
              absl::StrCat(result.events), outcome);
}

std::string Table::Footer(double seconds) const {
  std::string text;
  for (const auto& [item, traces] : left_out_) {
    absl::StrAppend(&text, "not played: ", item, " of ", traces, traces == 1 ? " trace" : " traces",
                    " (more than --max-deliveries)\n");
  }
  if (unsteady_ > 0) {
    absl::StrAppend(&text, "unsteady: ", unsteady_, unsteady_ == 1 ? " delivery" : " deliveries",
                    " differed, and not when played again: the target is so by itself\n");
  }
  if (refused_ > 0) absl::StrAppend(&text, "refused by the receiver: ", refused_, "\n");
  const double rate = seconds > 0 ? static_cast<double>(deliveries_) / seconds : 0;
  absl::StrAppendFormat(&text, "%s %s, %s %s (%s distinct) in %.1f s, %s a second: %s\n",
                        Grouped(traces_), traces_ == 1 ? "trace" : "traces", Grouped(deliveries_),
                        deliveries_ == 1 ? "delivery" : "deliveries", Grouped(distinct_), seconds,
                        Grouped(static_cast<uint64_t>(rate)),
                        findings_ == 0   ? "no difference"
                        : findings_ == 1 ? "1 trace differs"
                                         : absl::StrCat(findings_, " traces differ"));
  return text;
}

}  // namespace pushpull::replay
