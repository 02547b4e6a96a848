#include "tools/faults/trial.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/preconditions.h"
#include "tools/faults/fault_endpoint.h"

namespace pushpull::faults {

using conformance::Case;

Trial::Trial(conformance::EndpointFactory* factory, std::vector<Case> cases)
    : factory_(factory), cases_(std::move(cases)) {
  // The proxy stands in streams: cases of iSER alone have none.
  std::erase_if(cases_, [](const Case& c) {
    return !conformance::IsOfTransport(c.scenario(), /*rdma=*/false);
  });
  const auto facts =
      conformance::InspectTarget(factory, settings_, factory->target_name(), std::nullopt);
  CHECK(facts.ok()) << facts.status();
  facts_ = *facts;
  // Neighbours are much alike: a few that are played first should be of all areas.
  constexpr size_t kStride = 97;
  for (size_t first = 0; first < kStride; ++first) {
    for (size_t i = first; i < cases_.size(); i += kStride) order_.push_back(i);
  }
  for (const Case& c : cases_) {
    // What passes in each case: a fault of another kind needs no play.
    std::set<PduKind>& kinds = kinds_[c.id()];
    Fault watcher;
    watcher.plant = [&kinds](Passing*, const Image& pdu) -> std::optional<Outcome> {
      kinds.insert(pdu.kind());
      return std::nullopt;
    };
    FaultFactory watched(factory_, &watcher, 0);
    const v1::CaseResult result = Play(&watched, c);
    usual_[c.id()] = result.verdict();
    if (result.verdict() != v1::PASS) {
      unusual_[c.id()] =
          absl::StrCat(v1::Verdict_Name(result.verdict()), " ", result.failure().message());
    }
  }
}

v1::CaseResult Trial::Play(conformance::EndpointFactory* factory, const Case& c) const {
  conformance::PlayCaseOptions options;
  options.settings = &settings_;
  options.facts = &facts_;
  return conformance::PlayCase(factory, c, options);
}

Finding Trial::Try(const Fault& fault, const Options& options) const {
  Finding finding;
  finding.fault = fault.name;
  finding.legal = !fault.legal.empty();
  FaultFactory factory(factory_, &fault, options.only);
  for (const size_t i : order_) {
    const Case& c = cases_[i];
    if (options.enough != 0 && finding.caught >= options.enough) break;
    if (options.most != 0 && finding.planted >= options.most) break;
    if (fault.kind != v1::Pdu::KIND_NOT_SET && !kinds_.at(c.id()).contains(fault.kind)) continue;
    const v1::CaseResult result = Play(&factory, c);
    if (factory.planting().planted == 0) continue;
    ++finding.planted;
    const v1::Verdict verdict = result.verdict();
    if (verdict == usual_.at(c.id()) && result.violation().empty()) {
      finding.missed.push_back(c.id());
      continue;
    }
    if (verdict == v1::TIMEOUT && result.violation().empty()) {
      ++finding.timed_out;
      finding.missed.push_back(
          absl::StrCat(c.id(), " TIMEOUT: ", result.failure().message().substr(0, 100)));
      continue;
    }
    const std::string what =
        absl::StrCat(c.id(), " ", v1::Verdict_Name(verdict), ": ", result.failure().message());
    if (verdict != v1::FAIL && verdict != v1::WARN && verdict != v1::TIMEOUT) {
      finding.missed.push_back(what);
      continue;
    }
    ++finding.caught;
    std::set<std::string> rules;
    for (const v1::Violation& violation : result.violation()) rules.insert(violation.rule());
    for (const std::string& rule : rules) ++finding.rules[rule];
    if (rules.empty() && finding.judged.empty()) finding.judged = what;
  }
  return finding;
}

std::string ToString(const Finding& finding) {
  if (finding.planted == 0) return "never planted";
  std::vector<std::pair<size_t, std::string>> rules;
  for (const auto& [rule, count] : finding.rules) rules.emplace_back(count, rule);
  std::sort(rules.rbegin(), rules.rend());
  std::string text = absl::StrCat(finding.caught, " of ", finding.planted);
  if (finding.timed_out > 0) absl::StrAppend(&text, ", ", finding.timed_out, " TIMEOUT");
  absl::StrAppend(&text, ":");
  for (size_t i = 0; i < std::min<size_t>(rules.size(), 3); ++i) {
    absl::StrAppend(&text, " ", rules[i].second, " (", rules[i].first, ")");
  }
  if (!finding.judged.empty()) absl::StrAppend(&text, " | ", finding.judged);
  return text;
}

}  // namespace pushpull::faults
