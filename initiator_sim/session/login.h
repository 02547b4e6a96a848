// Logs in as a right initiator does: which Login Request is next, and what a response means.
// (RFC 7143 §6.3, §11.12, §11.13)

#ifndef INITIATOR_SIM_SESSION_LOGIN_H_
#define INITIATOR_SIM_SESSION_LOGIN_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "initiator_sim/iser/dialect.h"
#include "initiator_sim/session/chap.h"
#include "initiator_sim/session/session.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

struct LoginKey {
  std::string name;
  std::string value;
  bool omit = false;
};

struct LoginConfig {
  std::string initiator_name;
  std::string target_name;  // empty: not said
  bool discovery = false;
  bool leading = true;  // the session's first connection

  Isid isid = {};
  uint16_t tsih = 0;
  uint16_t cid = 0;

  v1::Stage first_stage = v1::LOGIN_OPERATIONAL_NEGOTIATION;
  v1::Stage until = v1::FULL_FEATURE_PHASE;
  // Instead of the driver's own keys of these names, or besides them.
  std::vector<LoginKey> keys;
  // Present: CHAP is offered.
  std::optional<v1::Chap> chap;
  bool chap_or_none = false;  // and with it None, if that is what the target chooses
  ChapCredentials credentials;
  uint64_t seed = 1;

  uint32_t data_segment_length = 8192;  // of each request, at the most
  std::optional<IserDialect> iser;      // over RDMA
  bool one_key_per_request = false;
};

class LoginExchange {
 public:
  enum class Progress : uint8_t {
    kSend,     // Next() is due
    kReached,  // the stage of `until` has been entered
    kRefused,  // a Status-Class other than 0: redirection or error
    kBreach,   // the target broke the protocol: breach()
  };

  // `connection` outlives the exchange; its negotiation is fed (NoteLoginRequest,
  // AbsorbLoginResponse) by whoever sends and receives, before OnResponse.
  LoginExchange(LoginConfig config, ConnectionState* connection);

  // Whether nothing need be sent: `until` is the first stage.
  bool reached() const { return reached_; }

  // The next Login Request: stages, flags, ISID, TSIH, CID and text. Tags and numbers are left to
  // the sender.
  v1::Pdu Next();

  Progress OnResponse(const v1::Pdu& pdu);

  // What the target did wrong, with the section; set with kBreach.
  const std::string& breach() const { return breach_; }
  // Status-Class << 8 | Status-Detail of the last response.
  uint32_t status() const { return status_; }
  // "login in LOGIN_OPERATIONAL_NEGOTIATION, 3 requests sent"
  std::string Describe() const;

 private:
  Progress Breach(std::string what, std::string_view section);
  Progress OnText();
  Progress EnterStage(v1::Stage stage);
  // Encodes `keys` to be sent; one request for all, or one for each.
  void Queue(const std::vector<v1::KeyValue>& keys);
  void QueueStage();
  std::vector<v1::KeyValue> IdentityKeys() const;
  std::vector<v1::KeyValue> SecurityKeys() const;
  std::vector<v1::KeyValue> OperationalKeys() const;
  // Puts the configured keys of this stage into the driver's own.
  void Override(std::vector<v1::KeyValue>* keys, bool security) const;
  void DropQueued(const std::string& name);
  // What the target offered and wants answered.
  std::vector<v1::KeyValue> Answers();
  std::optional<Progress> StepChap(const v1::KeyList& keys);
  bool MayLeaveStage() const;

  const LoginConfig config_;
  ConnectionState* const connection_;
  std::optional<ChapInitiator> chap_;

  v1::Stage stage_;
  std::deque<std::string> texts_;  // of requests that are still to be sent
  std::string received_;           // text of a response that goes on (C bit)
  bool first_request_ = true;
  bool waiting_for_rest_ = false;  // the last response had the C bit
  bool sent_transit_ = false;
  bool sent_continue_ = false;
  bool chap_offered_ = false;
  bool reached_ = false;
  uint32_t requests_ = 0;
  uint32_t status_ = 0;
  std::string breach_;
};

// The keys that a driver offers in the operational stage by itself; over RDMA those of RFC 7145 §6
// first.
std::vector<v1::KeyValue> DefaultOperationalKeys(bool discovery, bool leading,
                                                 std::optional<IserDialect> iser = std::nullopt);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_SESSION_LOGIN_H_
