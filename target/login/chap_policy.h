// CHAP as the target's side of a login (RFC 7143 §9.2.1, §12.1.3): initiators prove themselves, and
// where they ask for it the target does.
//
// No reason of a failure, which logs may show, has any value of the exchange.

#ifndef TARGET_LOGIN_CHAP_POLICY_H_
#define TARGET_LOGIN_CHAP_POLICY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "target/bugs/bugs.h"
#include "target/login/auth.h"
#include "target/login/chap.h"

namespace pushpull::target {

struct ChapAccount {
  std::string user;  // CHAP_N, 1 to kMaxChapName bytes
  ChapSecret secret;
  // The iSCSI names that may use it (§9.2); none: any.
  std::vector<std::string> initiators;
};

struct ChapOptions {
  std::vector<ChapAccount> accounts;  // of initiators
  std::optional<ChapAccount> own;     // the target's, for initiators that ask it to prove itself
  std::vector<ChapAlgorithm> algorithms = {kChapAlgorithms.begin(), kChapAlgorithms.end()};
  bool optional = false;         // AuthMethod=None is taken as well
  size_t challenge_length = 32;  // 1 to kMaxChapBinary
  bool base64 = false;           // how CHAP_C and CHAP_R are written; else hexadecimal
};

// What all exchanges of a target share. Start() may be called from any thread.
class ChapPolicy final : public AuthPolicy {
 public:
  ChapPolicy(ChapOptions options, Entropy entropy, const BugSet& bugs = {});

  std::vector<std::string> Methods() const override;
  std::unique_ptr<AuthExchange> Start(std::string_view method,
                                      std::string_view initiator_name) override;

  // ---- for exchanges

  const ChapOptions& options() const { return options_; }
  bool Has(Bug bug) const { return bugs_.Has(bug); }

  // The account of this CHAP_N that this initiator may use; else null.
  const ChapAccount* Find(std::string_view user, std::string_view initiator_name) const;

  // Differs from one challenge to the next (RFC 1994 §4.1).
  uint8_t NextIdentifier();

  // A challenge that no other exchange under way has; nothing where there is no entropy. Given back
  // by Release().
  std::optional<std::vector<uint8_t>> NextChallenge();
  void Release(const std::vector<uint8_t>& challenge);
  // Whether an exchange under way has it: then whoever sends it reflects ours (RFC 7143 §9.2.1).
  bool IsOurs(const std::vector<uint8_t>& challenge) const;

 private:
  const ChapOptions options_;
  const Entropy entropy_;
  const BugSet bugs_;
  std::atomic<uint8_t> next_identifier_{0};
  mutable std::mutex mutex_;
  std::multiset<std::vector<uint8_t>> challenges_;  // guarded by mutex_
};

}  // namespace pushpull::target

#endif  // TARGET_LOGIN_CHAP_POLICY_H_
