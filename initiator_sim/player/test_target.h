// A target of the tests' own: small, by hand, and wrong where a test asks for it.

#ifndef INITIATOR_SIM_PLAYER_TEST_TARGET_H_
#define INITIATOR_SIM_PLAYER_TEST_TARGET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/framer.h"
#include "initiator_sim/player/player.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

// What it received.
struct SeenPdu {
  size_t connection;
  v1::Pdu pdu;
  std::vector<uint8_t> bytes;
};

class TestTarget {
 public:
  class Connection {
   public:
    // Completes StatSN, ExpCmdSN and MaxCmdSN where they are unset, and sends.
    void Send(v1::Pdu pdu);
    void SendBytes(const std::vector<uint8_t>& bytes);
    void Close() { stream_->Close(); }
    void Abort() { stream_->Abort(); }

    TestTarget* target;
    size_t number = 0;
    uint32_t stat_sn = 100;
    Digests digests;  // of the full feature phase
    bool full_feature = false;
    std::map<uint32_t, v1::Pdu> writes;        // by tag: commands whose data are coming
    std::map<uint32_t, std::string> received;  // their data
    std::map<uint32_t, uint32_t> r2t_sns;

   private:
    friend class TestTarget;
    std::unique_ptr<fabric::Stream> stream_;
    Framer framer_;
    std::string out_;
  };

  TestTarget(fabric::SimWorld* world, fabric::SimNetwork* network, const fabric::Address& address);

  fabric::Loop* loop() const { return loop_; }

  // Called first; true: it has answered, or won't.
  std::function<bool(Connection&, const v1::Pdu&)> on_pdu;

  // What a login answers in its operational stage.
  std::vector<std::pair<std::string, std::string>> login_keys = {
      {"TargetPortalGroupTag", "1"}, {"HeaderDigest", "None"},
      {"DataDigest", "None"},        {"MaxRecvDataSegmentLength", "8192"},
      {"DefaultTime2Wait", "2"},     {"DefaultTime2Retain", "0"},
      {"ErrorRecoveryLevel", "0"},   {"MaxConnections", "1"},
      {"InitialR2T", "Yes"},         {"ImmediateData", "No"},
      {"MaxBurstLength", "16384"},   {"FirstBurstLength", "8192"},
      {"MaxOutstandingR2T", "1"},    {"DataSequenceInOrder", "Yes"},
      {"DataPDUInOrder", "Yes"}};
  uint32_t unit_attentions = 0;  // the next commands end with one
  uint32_t exp_cmd_sn = 1;
  uint32_t window = 16;
  std::string disk = std::string(1 << 20, '\0');

  std::vector<SeenPdu> seen;
  std::vector<std::unique_ptr<Connection>> connections;

  // The requests of a kind, in order.
  std::vector<v1::Pdu> Seen(v1::Pdu::KindCase kind) const;

  void Respond(Connection& connection, const v1::Pdu& command, v1::ScsiStatus status,
               const std::string& sense = "");

 private:
  void OnReadable(Connection* connection);
  void OnWritable(Connection* connection);
  void Handle(Connection& connection, const v1::Pdu& pdu);
  void Login(Connection& connection, const v1::Pdu& pdu);
  void Command(Connection& connection, const v1::Pdu& pdu);
  void AskForData(Connection& connection, uint32_t tag);

  fabric::SimLoop* const loop_;
  std::unique_ptr<fabric::Listener> listener_;
};

// A world with one target, in which scenarios are played.
class PlayerTestBed {
 public:
  explicit PlayerTestBed(uint64_t seed = 1, const fabric::SimOptions& options = {});

  // A scenario's text; id and the like may be left out. Steps stand one a line from `line` on.
  PlayResult Play(const std::string& textproto);

  fabric::SimWorld world;
  fabric::SimNetwork network;
  TestTarget target;
  PlayerOptions options;
};

// "FAIL: message", for comparison in one go.
std::string VerdictOf(const PlayResult& result);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_TEST_TARGET_H_
