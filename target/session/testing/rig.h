// A target on the simulated network, and a small initiator to ask it: what the session's tests use.
//
//   Rig rig({.seed = 1});
//   Initiator a(&rig);
//   a.Login();
//   a.Send(TestUnitReady(0));
//   EXPECT_EQ(a.ExpectScsiResponse().status, 0);

#ifndef TARGET_SESSION_TESTING_RIG_H_
#define TARGET_SESSION_TESTING_RIG_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/bytes.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/store/store.h"
#include "target/target.h"

namespace pushpull::target::testing {

using ByteVector = std::vector<uint8_t>;

struct RigOptions {
  uint64_t seed = 1;  // of the network; `node` has its own
  fabric::SimOptions network;
  NodeOptions node;
  std::vector<Bug> bugs;
  size_t loops = 1;
  std::shared_ptr<Store> lun1 = {};  // null: memory
};

// LUN 0 and 1: 16 MiB of memory; LUN 2: the same, where each I/O takes a second; LUN 300: 1 MiB.
class Rig {
 public:
  explicit Rig(RigOptions options = {});
  // Shuts down, unless it was stopped, and checks that nothing is left.
  ~Rig();

  fabric::SimWorld& world() { return world_; }
  fabric::SimNetwork& network() { return network_; }
  Target& target() { return *target_; }
  const fabric::Address& address() const { return address_; }
  int64_t Get(Count count) const { return target_->Get(count); }
  // The bytes of LUN 0.
  base::MutableBytes Medium() { return medium_; }

  // Lets virtual time go by.
  void Elapse(absl::Duration duration) { world_.RunFor(duration); }
  absl::Time Now() const { return loop_->Now(); }
  // Target::Stop().
  void Stop(absl::Duration timeout, std::function<void()> done);
  // Until nothing of connections and sessions is left.
  bool RunUntilUnused();

 private:
  fabric::SimWorld world_;
  fabric::SimNetwork network_;
  base::MutableBytes medium_;
  std::unique_ptr<Target> target_;
  fabric::Address address_;
  const fabric::Loop* loop_ = nullptr;  // the target's first
  bool stopping_ = false;
  bool stopped_ = false;
};

// A PDU from the target.
struct Received {
  Bhs bhs = {};
  ByteVector data;

  Opcode opcode() const { return BhsView(bhs).opcode(); }
  std::string text() const { return {data.begin(), data.end()}; }
};

// A PDU to the target.
struct Outgoing {
  Bhs bhs = {};
  ByteVector ahs;
  ByteVector data;
  bool corrupt_header_digest = false;
  bool corrupt_data_digest = false;
};

struct Keys {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string Encode() const;
};

class Initiator {
 public:
  // Connects.
  explicit Initiator(Rig* rig, std::string name = "iqn.2026-11.org.pushpull:tester");
  ~Initiator();

  // ---- raw ----
  void SendBytes(base::Bytes bytes);
  // With the digests of the session; DataSegmentLength and TotalAHSLength as given by the parts.
  void SendPdu(Outgoing pdu);
  ByteVector Encode(Outgoing pdu) const;
  // The next PDU; nothing if none came within `timeout` or the connection ended.
  std::optional<Received> Next(absl::Duration timeout = absl::Seconds(10));
  // Nothing comes for this long.
  bool Silent(absl::Duration duration = absl::Seconds(1));
  bool closed() const { return closed_; }
  // Runs until the target has closed.
  bool WaitForClose(absl::Duration timeout = absl::Seconds(10));
  void Disconnect();
  void Reset();
  // Takes nothing off the connection until ReadOn().
  void StopReading() { reading_ = false; }
  void ReadOn() {
    reading_ = true;
    OnReadable();
  }

  // ---- login ----
  // One request from operational negotiation to full feature. The answer's text.
  std::string Login(const Keys& more = {});
  LoginRequest MakeLogin() const;
  Keys LoginKeys() const;
  std::optional<LoginResponse> LoginWith(const LoginRequest& request, const Keys& keys,
                                         std::string* text = nullptr);
  // Sends it with digests and numbers from now on.
  void SetDigests(bool header, bool data) { header_digest_ = header, data_digest_ = data; }

  // ---- full feature ----
  // Numbers it: CmdSN (which advances unless it is immediate), ExpStatSN, a tag if it has none.
  template <typename Pdu>
  Pdu Number(Pdu pdu) {
    if constexpr (requires { pdu.cmd_sn; }) {
      pdu.cmd_sn = cmd_sn;
      if (!pdu.immediate) ++cmd_sn;
    }
    pdu.exp_stat_sn = exp_stat_sn;
    return pdu;
  }
  template <typename Pdu>
  void Send(const Pdu& pdu, ByteVector data = {}) {
    SendPdu({.bhs = Number(pdu).Encode(), .ahs = {}, .data = std::move(data)});
  }
  // Without numbering.
  template <typename Pdu>
  void SendAsIs(const Pdu& pdu, ByteVector data = {}) {
    SendPdu({.bhs = pdu.Encode(), .ahs = {}, .data = std::move(data)});
  }

  // The next PDU, which must be of this kind.
  template <typename Pdu>
  Pdu Expect(Opcode opcode, ByteVector* data = nullptr);
  ScsiResponse ExpectScsiResponse(ByteVector* data = nullptr) {
    return Expect<ScsiResponse>(Opcode::kScsiResponse, data);
  }
  R2t ExpectR2t() { return Expect<R2t>(Opcode::kR2t); }
  target::Reject ExpectReject(ByteVector* data = nullptr) {
    return Expect<target::Reject>(Opcode::kReject, data);
  }
  TaskManagementResponse ExpectTmf() {
    return Expect<TaskManagementResponse>(Opcode::kTaskManagementResponse);
  }
  DataIn ExpectDataIn(ByteVector* data = nullptr) { return Expect<DataIn>(Opcode::kDataIn, data); }
  NopIn ExpectNopIn(ByteVector* data = nullptr) { return Expect<NopIn>(Opcode::kNopIn, data); }
  LogoutResponse ExpectLogout() { return Expect<LogoutResponse>(Opcode::kLogoutResponse); }

  // A command and its answer, data included. Clears unit attentions first where asked.
  struct Outcome {
    uint8_t status = 0xff;
    ByteVector sense;
    ByteVector data;
    bool overflow = false;
    bool underflow = false;
    uint32_t residual = 0;
    std::string SenseCode() const;  // "6/29/00"
  };
  Outcome Run(const ScsiCommand& command, ByteVector data = {});
  // Reads the answer of a command that was sent, solicited data (a slice of `data`) included.
  Outcome Finish(const ScsiCommand& command, const ByteVector& data = {});
  // TEST UNIT READY until it is GOOD.
  void ClearUnitAttentions(uint64_t lun = 0);
  // Whether a ping is answered.
  bool Alive();
  // The data of an R2T, in one PDU or pieces of `piece` bytes.
  void Answer(const R2t& r2t, const ByteVector& all, uint32_t piece = UINT32_MAX);

  uint32_t NextTag() { return next_tag_++; }

  const std::string name;
  Isid isid = {0x80, 0, 0, 0, 0, 1};
  std::string target_name = "iqn.2026-11.org.pushpull:reference";
  uint16_t cid = 1;
  uint16_t tsih = 0;
  uint32_t cmd_sn = 100;
  uint32_t exp_stat_sn = 0;
  uint32_t exp_cmd_sn = 0;  // as the target said last
  uint32_t max_cmd_sn = 0;

 private:
  void OnReadable();
  void OnWritable();
  void Parse();
  void Note(const Received& pdu);

  Rig* const rig_;
  std::unique_ptr<fabric::Stream> stream_;
  ByteVector out_;
  ByteVector in_;
  std::deque<Received> received_;
  bool closed_ = false;
  bool reading_ = true;
  bool header_digest_ = false;
  bool data_digest_ = false;
  uint32_t next_tag_ = 1;
};

// ---- commands: with tag and flags, to be numbered ----------------------------------------------

uint64_t Lun(uint32_t number);
ScsiCommand TestUnitReady(Initiator& initiator, uint64_t lun = 0);
ScsiCommand Inquiry(Initiator& initiator, uint8_t allocation = 36, uint32_t expected = 36);
ScsiCommand Read10(Initiator& initiator, uint32_t lba, uint16_t blocks, uint64_t lun = 0);
ScsiCommand Write10(Initiator& initiator, uint32_t lba, uint16_t blocks, uint64_t lun = 0);
TaskManagementRequest Tmf(Initiator& initiator, TaskManagementFunction function, uint64_t lun = 0);
// Bytes that differ from one another and between seeds.
ByteVector Pattern(size_t size, uint8_t seed = 1);

// ---- implementation ---------------------------------------------------------------------------

void FailWrongPdu(Opcode wanted, const std::optional<Received>& got);

template <typename Pdu>
Pdu Initiator::Expect(Opcode opcode, ByteVector* data) {
  const std::optional<Received> got = Next();
  if (!got.has_value() || got->opcode() != opcode) {
    FailWrongPdu(opcode, got);
    return Pdu();
  }
  if (data != nullptr) *data = got->data;
  return Pdu::Decode(BhsView(got->bhs));
}

}  // namespace pushpull::target::testing

#endif  // TARGET_SESSION_TESTING_RIG_H_
