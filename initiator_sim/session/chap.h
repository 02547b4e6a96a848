// CHAP as both ends of it need it. (RFC 1994, RFC 7143 §12.1.3)

#ifndef INITIATOR_SIM_SESSION_CHAP_H_
#define INITIATOR_SIM_SESSION_CHAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/random.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

// What a run knows of CHAP. Empty user: it has none.
struct ChapCredentials {
  std::string user;
  std::string secret;
  std::string mutual_user;  // the name that the target gives; empty: any
  std::string mutual_secret;
};

// Numbers of algorithms, by IANA's registry.
inline constexpr uint32_t kChapMd5 = 5;
inline constexpr uint32_t kChapSha1 = 6;
inline constexpr uint32_t kChapSha256 = 7;
inline constexpr uint32_t kChapSha3_256 = 8;

// H(identifier, secret, challenge) (RFC 1994 §4.1). nullopt: no such algorithm here.
std::optional<std::string> ChapResponse(uint32_t algorithm, uint8_t identifier,
                                        std::string_view secret, std::string_view challenge);

// "0x..." or "0b..." (RFC 7143 §6.1), both ways. nullopt: neither.
std::string EncodeBinary(std::string_view bytes, bool base64);
std::optional<std::string> DecodeBinary(std::string_view text);

// The initiator's side: offers, answers the target's challenge, and with `mutual` challenges back.
class ChapInitiator {
 public:
  // Unset fields of `settings` take the run's credentials.
  ChapInitiator(const v1::Chap& settings, const ChapCredentials& credentials, uint64_t seed);

  // What goes with AuthMethod=CHAP having been chosen.
  std::vector<v1::KeyValue> Offer() const;

  // The answer to what the target sent; empty where nothing is due any more. An error is the
  // target's fault (its own challenge reflected, a wrong response, a missing key) and says where
  // the RFC has it.
  absl::StatusOr<std::vector<v1::KeyValue>> Answer(const v1::KeyList& keys);

  // Whether our part is done: T may be set with what was answered last.
  bool answered() const { return answered_; }
  // Whether the target has proven itself too, or needn't.
  bool complete() const { return answered_ && (!settings_.mutual() || proven_); }

 private:
  absl::Status Prove(const v1::KeyList& keys);
  std::vector<v1::KeyValue> Respond(uint32_t algorithm, uint8_t identifier,
                                    const std::string& challenge);
  // `identifier` and `challenge`: the target's.
  void ChallengeBack(uint8_t identifier, const std::string& challenge,
                     std::vector<v1::KeyValue>* answer);

  const v1::Chap settings_;
  const ChapCredentials credentials_;
  base::Random random_;
  bool answered_ = false;
  bool proven_ = false;
  uint32_t algorithm_ = 0;
  uint8_t own_identifier_ = 0;
  std::string own_challenge_;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_SESSION_CHAP_H_
