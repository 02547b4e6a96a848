#include "tools/endpoints/cross_check.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "fuzz/codecs/readings.h"

namespace pushpull::tools {
namespace {

// Beyond this a play isn't compared any further: data of large transfers would pile up.
constexpr size_t kMaxComparedPdus = 10'000;
constexpr size_t kMaxComparedData = 64 * 1024;

}  // namespace

std::function<void(const target::TapPdu&)> CrossCheck::target_tap() {
  return [this](const target::TapPdu& pdu) {
    AtTarget seen;
    seen.sent = pdu.sent;
    std::copy_n(pdu.bhs.data(), seen.bhs.size(), seen.bhs.begin());
    seen.ahs = std::string(base::AsText(pdu.ahs));
    size_t size = 0;
    for (const base::Bytes piece : pdu.data) size += piece.size();
    seen.has_data = !pdu.data.empty() && size <= kMaxComparedData;
    if (seen.has_data) {
      for (const base::Bytes piece : pdu.data) seen.data += base::AsText(piece);
    }
    const std::lock_guard lock(mutex_);
    if (at_target_.size() < kMaxComparedPdus) at_target_.push_back(std::move(seen));
  };
}

void CrossCheck::OnPdu(const initiator_sim::TapPdu& pdu) {
  if (pdu.bytes.size() < target::kBhsBytes) return;
  AtInitiator seen;
  seen.sent = pdu.direction == initiator_sim::Direction::kToTarget;
  seen.pdu = pdu.decoded->pdu;
  if (seen.pdu.data().raw().size() > kMaxComparedData) seen.pdu.clear_data();
  seen.bhs = std::string(base::AsText(pdu.bytes.first(target::kBhsBytes)));
  const size_t ahs_end = std::min(pdu.decoded->layout.header_digest, pdu.bytes.size());
  seen.ahs =
      std::string(base::AsText(pdu.bytes.subspan(target::kBhsBytes, ahs_end - target::kBhsBytes)));
  at_initiator_.push_back(std::move(seen));
}

std::vector<std::string> CrossCheck::Complaints() {
  std::multimap<std::pair<bool, std::string>, const AtInitiator*> by_header;
  for (const AtInitiator& seen : at_initiator_)
    by_header.emplace(std::pair(seen.sent, seen.bhs), &seen);
  std::vector<std::string> complaints;
  const std::lock_guard lock(mutex_);
  for (const AtTarget& seen : at_target_) {
    const std::string header(seen.bhs.begin(), seen.bhs.end());
    const auto [begin, end] = by_header.equal_range(std::pair(!seen.sent, header));
    if (begin == end) {
      // What the target sent last may never have been read.
      if (!seen.sent) {
        complaints.push_back("our two ends differ: the target took a header that was never sent");
      }
      continue;
    }
    std::string first;
    bool agrees = false;
    for (auto it = begin; it != end && !agrees; ++it) {
      const AtInitiator& other = *it->second;
      std::string differences = codecs::CompareReadings(seen.bhs, other.pdu);
      if (seen.ahs != other.ahs) differences += " the AHS differs";
      if (seen.has_data && other.pdu.has_data() && seen.data != other.pdu.data().raw()) {
        differences += " the data differs";
      }
      agrees = differences.empty();
      if (first.empty()) first = std::move(differences);
    }
    if (!agrees) complaints.push_back(absl::StrCat("our two ends differ: ", first));
  }
  return complaints;
}

}  // namespace pushpull::tools
