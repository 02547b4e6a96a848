// States as coverage: which request in which phase was answered how. libFuzzer keeps an input that
// reaches a new one, though no new line of code ran.

#ifndef FUZZ_SESSION_STATE_COVERAGE_H_
#define FUZZ_SESSION_STATE_COVERAGE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>

#include "initiator_sim/player/tap.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::fuzz {

class StateCoverage final : public initiator_sim::Tap {
 public:
  // Counters of bytes, as libFuzzer reads them: each state has one.
  explicit StateCoverage(std::span<uint8_t> counters) : counters_(counters) {}

  void OnPdu(const initiator_sim::TapPdu& tapped) override;
  void OnClosed(const initiator_sim::TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override;

  // "login: login_request -> login_response 0x0201", in order.
  const std::set<std::string>& states() const { return states_; }

 private:
  struct Connection {
    bool full_feature = false;
    std::string last;                        // the newest request
    std::map<uint32_t, std::string> by_tag;  // by Initiator Task Tag
  };

  void Reach(const Connection& connection, const std::string& request, const std::string& outcome);

  const std::span<uint8_t> counters_;
  std::map<uint32_t, Connection> connections_;
  std::set<std::string> states_;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_STATE_COVERAGE_H_
