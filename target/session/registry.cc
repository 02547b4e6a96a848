#include "target/session/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pushpull::target {

std::string SessionRegistry::Key(const LoginIdentity& identity, uint16_t target_portal_group_tag,
                                 const std::string& portal_address) {
  // Names hold no NUL.
  std::string key = identity.initiator_name;
  key += '\0';
  key.append(reinterpret_cast<const char*>(identity.isid.data()), identity.isid.size());
  if (identity.target_name.has_value()) {
    absl::StrAppend(&key, *identity.target_name);
    key += '\0';
    absl::StrAppend(&key, target_portal_group_tag);
  } else {
    key += '\0';
    absl::StrAppend(&key, portal_address);
  }
  return key;
}

LoginPlace SessionRegistry::FindPlace(const std::string& key, const LoginIdentity& identity) const {
  LoginPlace place;
  const std::lock_guard lock(mutex_);
  if (identity.tsih == 0) {
    const bool known = by_key_.contains(key);
    place.kind = known ? LoginKind::kSessionReinstatement : LoginKind::kNewSession;
    if (!known && entries_.size() >= max_sessions_) place.status = LoginStatus::kOutOfResources;
    return place;
  }
  const Entry* const entry = FindByTsih(key, identity.tsih);
  if (entry == nullptr) {
    place.status = LoginStatus::kSessionDoesNotExist;
    return place;
  }
  place.session = entry->parameters;
  place.authentication = entry->authentication;
  if (std::ranges::count(entry->cids, identity.cid) > 0) {
    place.kind = LoginKind::kConnectionReinstatement;
  } else {
    place.kind = LoginKind::kNewConnection;
    if (entry->cids.size() >= entry->parameters.max_connections) {
      place.status = LoginStatus::kTooManyConnections;
    }
  }
  return place;
}

// For a defect.
bool SessionRegistry::IsLost(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto named = by_key_.find(key);
  return named != by_key_.end() && entries_.at(named->second).cids.empty();
}

SessionRegistry::Claim SessionRegistry::ClaimName(const std::string& key, Worker* home,
                                                  const SessionParameters& parameters,
                                                  const std::string& authentication) {
  const std::lock_guard lock(mutex_);
  Claim claim;
  // Others may have taken the last place since the login looked.
  if (entries_.size() >= max_sessions_ && !by_key_.contains(key)) return claim;
  claim.tsih = FreeTsih();
  if (claim.tsih == 0) return claim;
  claim.id = next_id_++;
  const auto [named, is_new] = by_key_.try_emplace(key, claim.id);
  if (!is_new) {
    const Entry& old = entries_.at(named->second);
    claim.predecessor = Home{old.worker, old.id};
    named->second = claim.id;
  }
  by_tsih_[claim.tsih] = claim.id;
  entries_[claim.id] = {key, claim.tsih, claim.id, home, parameters, authentication, {}};
  return claim;
}

uint16_t SessionRegistry::FreeTsih() {
  if (by_tsih_.size() >= 0xffff) return 0;
  while (next_tsih_ == 0 || by_tsih_.contains(next_tsih_)) ++next_tsih_;
  return next_tsih_++;
}

const SessionRegistry::Entry* SessionRegistry::FindByTsih(const std::string& key,
                                                          uint16_t tsih) const {
  const auto found = by_tsih_.find(tsih);
  if (found == by_tsih_.end()) return nullptr;
  const Entry& entry = entries_.at(found->second);
  // A session that is being replaced has lost its name.
  const auto named = by_key_.find(key);
  return named != by_key_.end() && named->second == entry.id ? &entry : nullptr;
}

std::optional<SessionRegistry::Home> SessionRegistry::Find(const std::string& key,
                                                           uint16_t tsih) const {
  const std::lock_guard lock(mutex_);
  const Entry* const entry = FindByTsih(key, tsih);
  if (entry == nullptr) return std::nullopt;
  return Home{entry->worker, entry->id};
}

void SessionRegistry::Release(SessionId id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const auto named = by_key_.find(found->second.key);
  if (named != by_key_.end() && named->second == id) by_key_.erase(named);
  by_tsih_.erase(found->second.tsih);
  entries_.erase(found);
}

void SessionRegistry::SetConnections(SessionId id, std::vector<uint16_t> cids) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.cids = std::move(cids);
}

size_t SessionRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace pushpull::target
