// Defects on demand of the negotiation over RDMA.

#include "target/negotiation/negotiator.h"

namespace pushpull::target {

// What a defect answers; it takes no effect.
std::optional<std::string> Negotiator::WrongAnswer(NegotiationPhase phase, const KeyRow& row,
                                                   std::string_view value) const {
  if (row.key == Key::kRdmaExtensions) {
    const bool later = phase == NegotiationPhase::kFullFeature;
    if (later && bugs_.Has(Bug::kRdmaExtensionsLater)) return "Yes";
    if (!later && !context_.rdma_transport && bugs_.Has(Bug::kRdmaExtensionsOverTcp)) return "Yes";
  }
  if (!context_.rdma_transport) return std::nullopt;
  if (row.key == Key::kErrorRecoveryLevel && bugs_.Has(Bug::kIserRecoveryLevelRaised)) return "1";
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

bool Negotiator::StageUnchecked(const KeyRow& row) const {
  return bugs_.Has(Bug::kKeyStageUnchecked) ||
         (row.key == Key::kRdmaExtensions && bugs_.Has(Bug::kIserRdmaExtensionsAnyStage));
}

// On a further connection of an iSER session.
bool Negotiator::WantsKeyAgain() const {
  return context_.rdma_transport && !context_.leading &&
         context_.session_type == SessionType::kNormal &&
         bugs_.Has(Bug::kIserRdmaExtensionsEachTime);
}

}  // namespace pushpull::target
