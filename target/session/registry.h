// Which sessions a target has and on which loop each lives (RFC 7143 §4.4.3: ISID RULE and TSIH
// RULE). Shared by all loops; every function may be called from any thread.
//
// The registry only knows names and numbers. Who has to do something to a session posts to its home
// loop and finds it there by its id, if it still is.

#ifndef TARGET_SESSION_REGISTRY_H_
#define TARGET_SESSION_REGISTRY_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "target/login/login.h"
#include "target/negotiation/parameters.h"

namespace pushpull::target {

class Worker;

// Never given twice, unlike a TSIH.
using SessionId = uint64_t;

class SessionRegistry {
 public:
  // Where a session lives.
  struct Home {
    Worker* worker = nullptr;
    SessionId id = 0;
  };

  // What a login that is to be admitted got.
  struct Claim {
    uint16_t tsih = 0;  // 0: there is no place for it
    SessionId id = 0;
    std::optional<Home> predecessor;  // the session that this one replaces: it is to be ended first
  };

  // `max_sessions`: at most 65535.
  // TSIHs are given out from `first_tsih` on, which is not 0.
  explicit SessionRegistry(uint32_t max_sessions, uint16_t first_tsih = 1)
      : max_sessions_(max_sessions), next_tsih_(first_tsih) {}

  // The name by which the ISID RULE tells sessions apart: initiator, ISID, target, portal group;
  // for an Unnamed Discovery session the portal's address in place of the last two
  // (RFC 7143 §7.4.2.1).
  static std::string Key(const LoginIdentity& identity, uint16_t target_portal_group_tag,
                         const std::string& portal_address);

  // What a login would do, by the table of RFC 7143 §6.3.1.
  LoginPlace FindPlace(const std::string& key, const LoginIdentity& identity) const;

  // Whether the session of this name waits for a connection. For a defect.
  bool IsLost(const std::string& key) const;

  // A new session takes the name `key`, from the one that had it if there is one.
  // `authentication`: of its leading login, as LoginResult has it.
  Claim ClaimName(const std::string& key, Worker* home, const SessionParameters& parameters,
                  const std::string& authentication = "");

  // The session of an added or reinstated connection; nothing if it ended meanwhile.
  std::optional<Home> Find(const std::string& key, uint16_t tsih) const;

  // The session ended: its TSIH is free.
  void Release(SessionId id);

  // For FindPlace.
  void SetConnections(SessionId id, std::vector<uint16_t> cids);

  size_t size() const;

 private:
  struct Entry {
    std::string key;
    uint16_t tsih = 0;
    SessionId id = 0;
    Worker* worker = nullptr;
    SessionParameters parameters;
    std::string authentication;
    std::vector<uint16_t> cids;
  };

  // Both with mutex_ held.
  const Entry* FindByTsih(const std::string& key, uint16_t tsih) const;
  uint16_t FreeTsih();

  const uint32_t max_sessions_;
  mutable std::mutex mutex_;
  SessionId next_id_ = 1;
  uint16_t next_tsih_;
  absl::flat_hash_map<SessionId, Entry> entries_;
  absl::flat_hash_map<std::string, SessionId> by_key_;
  absl::flat_hash_map<uint16_t, SessionId> by_tsih_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_REGISTRY_H_
