// Defects on demand of the negotiation: over RDMA, and of memory.

#include <cstring>
#include <memory>

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
  const bool discovery = context_.session_type == SessionType::kDiscovery;
  const bool limit = row.key == Key::kErrorRecoveryLevel || row.key == Key::kMaxConnections;
  const bool echoes =
      (limit && discovery && bugs_.Has(Bug::kDiscoveryLimitsNegotiated)) ||
      (row.key == Key::kIscsiProtocolLevel && bugs_.Has(Bug::kProtocolLevelAsOffered));
  if (echoes) return std::string(value);
  const bool digest = row.key == Key::kHeaderDigest || row.key == Key::kDataDigest;
  const bool like_it = value == "crc32c" || value == "CRC32c";
  if (digest && like_it && bugs_.Has(Bug::kValuesInAnyCase)) return "CRC32C";
  if (row.key == Key::kTaskReporting && bugs_.Has(Bug::kFastAbortNotTaken)) return "RFC3720";
  if (!context_.rdma_transport) return std::nullopt;
  if (row.key == Key::kErrorRecoveryLevel && bugs_.Has(Bug::kIserRecoveryLevelRaised)) return "1";
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

// Bug::kKeyNameOneOver.
void Negotiator::KeepName(std::string_view key) {
  if (key.size() > kMaxKeyNameLength) return;
  const std::unique_ptr<char[]> name(new char[kMaxKeyNameLength]);
  std::memcpy(name.get(), key.data(), key.size());
  name[key.size()] = '\0';
  last_unknown_ = name.get();
}

void Negotiator::SpoilDefaults() {
  if (bugs_.Has(Bug::kDefaultInitialR2tNo) && !seen_.test(static_cast<size_t>(Key::kInitialR2t))) {
    session_.initial_r2t = false;
  }
}

}  // namespace pushpull::target
