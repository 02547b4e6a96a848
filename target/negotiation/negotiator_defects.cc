// Defects on demand of the negotiation over RDMA.

#include "target/negotiation/negotiator.h"

namespace pushpull::target {

// What a defect answers over RDMA.
std::optional<std::string> Negotiator::WrongAnswer(const KeyRow& row,
                                                   std::string_view value) const {
  const bool discovery = context_.session_type == SessionType::kDiscovery;
  const bool digest = row.key == Key::kHeaderDigest || row.key == Key::kDataDigest;
  const bool marker = row.key == Key::kOfMarker || row.key == Key::kIfMarker;
  const bool yes = (row.key == Key::kRdmaExtensions && discovery &&
                    bugs_.Has(Bug::kIserRdmaExtensionsInDiscovery)) ||
                   (marker && bugs_.Has(Bug::kIserMarkersAccepted));
  if (yes) return "Yes";
  if (digest && bugs_.Has(Bug::kIserDigestsAccepted) &&
      value.find("CRC32C") != std::string_view::npos) {
    return "CRC32C";
  }
  return std::nullopt;
}

}  // namespace pushpull::target
