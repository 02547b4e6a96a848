#include "target/session/node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"

namespace pushpull::target {
namespace {

bool IsWildcard(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

std::string NexusKey(const NexusId& nexus) {
  std::string key = nexus.initiator_name;
  key += '\0';
  key.append(reinterpret_cast<const char*>(nexus.isid.data()), nexus.isid.size());
  absl::StrAppend(&key, nexus.target_portal_group_tag);
  return key;
}

}  // namespace

void Node::AddPortal(const fabric::Address& address, bool rdma) {
  const std::lock_guard lock(mutex_);
  portals_.push_back({address, rdma});
}

TargetRecord Node::Record(const fabric::Address& local, bool rdma) const {
  TargetRecord record;
  record.name = options_.name;
  const std::lock_guard lock(mutex_);
  for (const Portal& portal : portals_) {
    if (portal.rdma != rdma) continue;
    const fabric::Address& address = portal.address;
    const std::string& host = IsWildcard(address.host) ? local.host : address.host;
    record.portals.push_back(
        {fabric::Address{host, address.port}.ToString(), options_.target_portal_group_tag});
  }
  return record;
}

LoginTarget Node::FindTarget(const LoginIdentity& identity, const fabric::Address& portal) const {
  LoginTarget target;
  if (identity.target_name.has_value() && *identity.target_name != options_.name &&
      !Has(Bug::kUnknownTargetAccepted)) {
    target.status = LoginStatus::kNotFound;
    return target;
  }
  const bool discovery = identity.session_type == SessionType::kDiscovery;
  if (!options_.access.empty()) {
    Admission admission = Admit(options_.access, identity.initiator_name, portal);
    // A discovery session is about no target that could have moved.
    const bool moved = StatusClass(admission.status) == 1;
    if (admission.status != LoginStatus::kSuccess && !(moved && discovery)) {
      target.status = admission.status;
      target.redirect_addresses = std::move(admission.redirect_addresses);
      return target;
    }
  }
  target.target_portal_group_tag = options_.target_portal_group_tag;
  target.target_alias = options_.alias;
  if (!discovery || !options_.open_discovery) target.auth = options_.auth.get();
  return target;
}

std::string Node::SessionKey(const LoginIdentity& identity, const fabric::Address& portal) const {
  LoginIdentity named = identity;
  if (Has(Bug::kReinstatementByIsidAlone)) named.initiator_name.clear();
  if (Has(Bug::kNormalLoginEndsDiscovery)) named.target_name = options_.name;
  if (identity.session_type == SessionType::kDiscovery && Has(Bug::kNamedDiscoveryUncounted)) {
    named.target_name.reset();
  }
  return SessionRegistry::Key(named, options_.target_portal_group_tag, portal.ToString());
}

bool Node::BeginLogin() {
  if (logins_.fetch_add(1, std::memory_order_relaxed) < options_.max_logins) return true;
  EndLogin();
  return false;
}

std::unique_ptr<LegalVariation> Node::VariationOf(bool session, uint64_t number) const {
  if (!options_.legal_variation.has_value()) return nullptr;
  base::Random random(*options_.legal_variation);
  random = base::Random(random.Next() ^ options_.seed);
  random = base::Random(random.Next() ^ (2 * number + (session ? 1 : 0)));
  // A case that met one may be played again: of seeds that follow each other two have none.
  Spared spared = options_.spared;
  spared.unit_attentions |= (*options_.legal_variation + options_.seed) % 3 != 0;
  return std::make_unique<LegalVariation>(random.Next(), options_.plain_text, spared);
}

void Node::RememberCleared(const NexusId& nexus, const std::vector<uint64_t>& luns) {
  const std::lock_guard lock(mutex_);
  if (cleared_.size() >= kMaxRemembered) cleared_.erase(cleared_.begin());
  std::vector<uint64_t>& known = cleared_[NexusKey(nexus)];
  for (const uint64_t lun : luns) {
    if (std::ranges::count(known, lun) == 0) known.push_back(lun);
  }
}

std::vector<uint64_t> Node::TakeCleared(const NexusId& nexus) {
  const std::lock_guard lock(mutex_);
  const auto found = cleared_.find(NexusKey(nexus));
  if (found == cleared_.end()) return {};
  std::vector<uint64_t> luns = std::move(found->second);
  cleared_.erase(found);
  return luns;
}

}  // namespace pushpull::target
