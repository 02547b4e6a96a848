// For tests of what plays cases: a target that a script plays, in the same simulated world.

#ifndef CONFORMANCE_RUNNER_SCRIPTED_TARGET_H_
#define CONFORMANCE_RUNNER_SCRIPTED_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/suite.h"
#include "initiator_sim/player/player.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::conformance {

// A right small target with one disk, for one connection.
inline constexpr char kServes[] =
    "step { accept {} } step { accept_login {} } step { serve { or_closed: true } } "
    "epilogue: NOTHING";
// One that ends each connection.
inline constexpr char kHangsUp[] = "step { accept {} } step { close {} } epilogue: NOTHING";

// A case that leaves what no command takes away again, and fails; and a target that lets it.
inline constexpr char kSetsPortGroups[] = R"(
  step { login { unit_attention: LEFT } }
  step { send { task: "t" pdu {
    scsi_command { cdb { raw: "\xa4\x0a\0\0\0\0\0\0\0\0\0\0" } } } } }
  step { expect { task: "t" one_of { pdu { scsi_response { status: BUSY } } } } })";
inline constexpr char kTakesPortGroups[] = R"(
  step { accept {} } step { accept_login {} }
  step { serve { until { scsi_command { cdb { raw: "\xa4\x0a\0\0\0\0\0\0\0\0\0\0" } } }
                 or_closed: true } }
  step { expect { task: "t" one_of { pdu { scsi_command {} } } } }
  step { send { task: "t" pdu { scsi_response {} } } }
  step { serve { or_closed: true } } epilogue: NOTHING)";

// Each endpoint has a world of its own with a target in it, which its script plays.
class ScriptedTargets final : public EndpointFactory {
 public:
  // The script of the next endpoint, on the thread that makes it; one that isn't given serves.
  std::function<std::string(uint64_t seed)> script;
  // Each PDU that a target receives, as it comes. Not two at a time.
  std::function<void(const v1::Pdu& pdu)> received;
  // What an endpoint complains of at its end.
  std::vector<std::string> complaints;
  // Not OK: nobody is there.
  absl::Status reachable;
  bool own = false;                            // as own_target()
  initiator_sim::Hook own_hook;                // of each endpoint
  initiator_sim::ChapCredentials credentials;  // of chap(), where it has a user

  absl::StatusOr<std::unique_ptr<Endpoint>> Make(uint64_t seed) override;
  absl::StatusOr<std::unique_ptr<Endpoint>> MakeWithChap(uint64_t seed) override {
    ++made_with_chap_;
    return Make(seed);
  }
  const initiator_sim::ChapCredentials* chap() const override {
    return credentials.user.empty() ? nullptr : &credentials;
  }
  std::string uri() const override { return "tcp://192.0.2.5"; }
  std::string target_name() const override { return "iqn.2026-11.org.example:scripted"; }
  bool own_target() const override { return own; }
  bool virtual_time() const override { return true; }

  // The seeds of the endpoints made so far.
  std::vector<uint64_t> seeds() const;
  size_t made_with_chap() const { return made_with_chap_; }

 private:
  mutable std::mutex mutex_;  // guards all below, and the calls of `received`
  std::vector<uint64_t> seeds_;
  size_t made_with_chap_ = 0;
};

// A scenario's case: its id, and the rest of its text (steps, needs).
Case CaseOf(const std::string& id, const std::string& text);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_SCRIPTED_TARGET_H_
