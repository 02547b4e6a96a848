#include "fuzz/blackbox/flight.h"

#include <cstdint>
#include <map>
#include <utility>

#include "conformance/monitor/rules.h"
#include "initiator_sim/player/tap.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::fuzz {

using conformance::Monitor;
using initiator_sim::TapConnection;

class Flight::Taps final : public initiator_sim::Tap {
 public:
  Taps(Monitor* monitor, Watch* watch) : monitor_(monitor), watch_(watch) {}

  void OnOpened(const TapConnection& connection, absl::Time time) override {
    monitor_->OnOpened(connection, time);
    watch_->OnOpened(connection, time);
  }
  void OnClosed(const TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override {
    if (!confused_) monitor_->OnClosed(connection, time, by_peer, reason);
    watch_->OnClosed(connection, time, by_peer, reason);
  }
  void OnPdu(const initiator_sim::TapPdu& pdu) override {
    if (!Confused(pdu)) monitor_->OnPdu(pdu);
    watch_->OnPdu(pdu);
  }

 private:
  // Of a connection: what was asked and isn't answered yet.
  struct Asked {
    bool login = false, text = false;
  };

  // Whether nobody can say any more what the target's answers are to: bytes were sent that are no
  // PDU by their own lengths, so that it finds other PDUs in what follows; or an exchange of keys
  // began before the last one was over (RFC 7143 §6.3, §11.10.4).
  bool Confused(const initiator_sim::TapPdu& pdu) {
    Asked& asked = asked_[pdu.connection->id];
    const v1::Pdu& decoded = pdu.decoded->pdu;
    if (pdu.direction == initiator_sim::Direction::kToTarget) {
      const bool login = decoded.has_login_request(), text = decoded.has_text_request();
      confused_ = confused_ || (asked.login && (login || text)) || (asked.text && (login || text));
      asked.login = asked.login || login;
      asked.text = asked.text || text;
      // Itself it is as it seems; what comes after it isn't.
      const bool now = confused_;
      confused_ = confused_ || !pdu.decoded->flaw.empty();
      return now;
    }
    if (decoded.has_login_response()) asked.login = false;
    if (decoded.has_text_response()) asked.text = false;
    if (decoded.has_reject()) asked = {};
    return confused_;
  }

  Monitor* const monitor_;
  Watch* const watch_;
  std::map<uint32_t, Asked> asked_;
  bool confused_ = false;
};

Flight::Flight(conformance::Endpoint* endpoint, const conformance::PlaySettings& settings,
               const conformance::TargetFacts& facts, const v1::Scenario& scenario, uint64_t seed)
    : taps_(std::make_unique<Taps>(&monitor_, &watch_)) {
  initiator_sim::PlayerOptions options =
      conformance::PlayerOptionsFor(endpoint, settings, facts, seed);
  options.tap = taps_.get();
  initiator_sim::Script script;
  script.scenario = scenario;
  script.step_lines.resize(static_cast<size_t>(scenario.step_size()), 1);
  player_ = std::make_unique<initiator_sim::Player>(std::move(options), std::move(script));
  player_->Start([this](initiator_sim::PlayResult result) { result_ = std::move(result); });
}

Flight::~Flight() = default;

std::vector<v1::Violation> Flight::violations() const {
  std::vector<v1::Violation> all = monitor_.violations();
  std::erase_if(all, [](const v1::Violation& violation) {
    const conformance::Rule* const rule = conformance::FindRule(violation.rule());
    return violation.level() != "MUST" || (rule != nullptr && rule->side != v1::TARGET_SIDE);
  });
  return all;
}

}  // namespace pushpull::fuzz
