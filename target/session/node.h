// The target node: what all of its loops share (RFC 7143 §4.4.1). Options are fixed; what changes
// is guarded.

#ifndef TARGET_SESSION_NODE_H_
#define TARGET_SESSION_NODE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/log.h"
#include "fabric/stream.h"
#include "target/bugs/bugs.h"
#include "target/discovery/send_targets.h"
#include "target/login/login.h"
#include "target/negotiation/parameters.h"
#include "target/pdu/bhs.h"
#include "target/scsi/device_server.h"
#include "target/session/access.h"
#include "target/session/buffer_budget.h"
#include "target/session/registry.h"
#include "target/variation/legal_variation.h"

namespace pushpull::target {

// A PDU that the target received, before it acts on it; or that it sends, with all its numbers. The
// views end with the call.
struct TapPdu {
  uint64_t connection = 0;  // numbered by the target, from 1
  bool sent = false;        // else received
  BhsView bhs;
  base::Bytes ahs;
  std::vector<base::Bytes> data;  // the data segment in pieces, without pad; none if discarded
};

struct NodeOptions {
  std::string name = "iqn.2026-11.org.pushpull:reference";
  std::string alias;
  uint16_t target_portal_group_tag = 1;
  NegotiationLimits limits;
  uint32_t queue_depth = 128;  // commands that a session may have outstanding
  absl::Duration login_timeout = absl::Seconds(15);
  // Connections that aren't logged in, those of failed logins included until they are closed;
  // further ones are closed at once.
  uint32_t max_logins = 256;
  uint32_t max_sessions = 4096;
  // An idle connection is sent a NOP-In ping after so long, and is given up when nothing came for
  // as long again. Zero: no pings.
  absl::Duration ping_interval = absl::ZeroDuration();
  // How long the peer of a connection that was closed in order may take to close its own end.
  absl::Duration close_timeout = absl::Seconds(5);
  // Memory for the data of one session's tasks beyond which they wait. One task always gets what
  // it needs.
  uint64_t session_buffer_bytes = 32 << 20;
  // The same of all sessions. Where it is used up each session still has what its oldest command
  // needs, but is promised no others beside it, and is not read where nothing is due from it.
  uint64_t buffer_bytes = uint64_t{1} << 30;
  // Beyond that, of all sessions: for what comes unasked, and for the oldest command of each, as
  // BufferBudget has it. Nothing: an eighth of it, and 16 MiB at the least.
  std::optional<uint64_t> promised_bytes;
  std::optional<uint64_t> lent_bytes;
  // Who keeps others waiting for memory that was lent to him ends after this.
  absl::Duration loan_time = absl::Seconds(10);

  BufferBudget::Limits BufferLimits() const {
    const uint64_t beyond = std::max(buffer_bytes / 8, uint64_t{16} << 20);
    return {buffer_bytes, promised_bytes.value_or(beyond), lent_bytes.value_or(beyond)};
  }
  BugSet bugs;
  // What the RFC leaves to connections and sessions is chosen by this (LegalVariation).
  std::optional<uint64_t> legal_variation;
  bool plain_text = false;           // the form of texts is left out of that
  Spared spared;                     // and so is this
  uint16_t first_tsih = 1;           // not 0
  uint64_t seed = 1;                 // StatSN, Target Transfer Tags
  std::shared_ptr<AuthPolicy> auth;  // null: no authentication
  bool open_discovery = false;       // discovery sessions need none even so
  // Who gets in where, by the first that fits (access.h); none: everybody.
  std::vector<AccessRule> access;
  // Runs on the loop of the connection; several loops call it at once.
  std::function<void(const TapPdu&)> tap;
  base::Logger log;  // of a default: nothing is logged
};

class Node {
 public:
  // `device` outlives the node.
  Node(NodeOptions options, DeviceServer* device)
      : options_(std::move(options)),
        device_(device),
        registry_(options_.max_sessions, options_.first_tsih),
        buffer_budget_(options_.BufferLimits()) {}

  const NodeOptions& options() const { return options_; }
  const BugSet& bugs() const { return options_.bugs; }
  bool Has(Bug bug) const { return options_.bugs.Has(bug); }
  const base::Logger& log() const { return options_.log; }
  DeviceServer& device() { return *device_; }
  SessionRegistry& registry() { return registry_; }
  BufferBudget& buffer_budget() { return buffer_budget_; }

  // The addresses that the target listens on; `rdma`: for iSER.
  void AddPortal(const fabric::Address& address, bool rdma = false);
  // This target as SendTargets tells it, by the portals of the transport on which it is asked: a
  // TargetAddress doesn't say which it is of. A portal on all addresses is told as the one by which
  // the asking connection came, `local`.
  TargetRecord Record(const fabric::Address& local, bool rdma = false) const;

  // `portal`: the address by which the initiator came.
  LoginTarget FindTarget(const LoginIdentity& identity, const fabric::Address& portal) const;
  std::string SessionKey(const LoginIdentity& identity, const fabric::Address& portal) const;

  // From now on nobody gets in any more. From any thread.
  void BeginStop() { stopping_.store(true, std::memory_order_relaxed); }
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  // A connection takes a place among those that aren't logged in; false where there is none.
  bool BeginLogin();
  // The place is free: it is logged in, or closed.
  void EndLogin() { logins_.fetch_sub(1, std::memory_order_relaxed); }
  // Bug::kSessionsNeverFree: how many logins there were.
  uint32_t CountConnection() { return kept_sessions_.fetch_add(1, std::memory_order_relaxed) + 1; }
  // For a connection or a session of this number; null where nothing varies.
  std::unique_ptr<LegalVariation> VariationOf(bool session, uint64_t number) const;
  uint64_t NextConnection() { return next_connection_.fetch_add(1, std::memory_order_relaxed); }

  // Tasks of a nexus on these logical units ended with its session. What is due for it then is
  // told when the nexus comes back (RFC 7143 §11.14.5).
  void RememberCleared(const NexusId& nexus, const std::vector<uint64_t>& luns);
  std::vector<uint64_t> TakeCleared(const NexusId& nexus);

  // Ends all sessions (TARGET COLD RESET). Set by the target; from any thread.
  void set_end_all_sessions(std::function<void()> end) { end_all_sessions_ = std::move(end); }
  void EndAllSessions() {
    if (end_all_sessions_) end_all_sessions_();
  }

 private:
  // Beyond this many nexuses one of the debts is forgotten.
  static constexpr size_t kMaxRemembered = 4096;

  const NodeOptions options_;
  DeviceServer* const device_;
  SessionRegistry registry_;
  BufferBudget buffer_budget_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint32_t> logins_{0};
  std::atomic<uint32_t> kept_sessions_{0};  // CountConnection()
  std::atomic<uint64_t> next_connection_{1};
  std::function<void()> end_all_sessions_;

  struct Portal {
    fabric::Address address;
    bool rdma;
  };

  mutable std::mutex mutex_;
  std::vector<Portal> portals_;
  absl::flat_hash_map<std::string, std::vector<uint64_t>> cleared_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_NODE_H_
