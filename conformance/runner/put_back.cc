#include "conformance/runner/put_back.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "conformance/runner/mode_pages.h"
#include "conformance/tap/wire_log.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::TapPdu;

// What is played at the most, whatever the case did.
constexpr size_t kMaxPorts = 8;
constexpr size_t kMaxPlays = 64;
// A target that lets nobody in any more is not asked for ever.
constexpr int kMaxRefused = 2;

constexpr char kKey[] = "PUSHPULX";
constexpr std::string_view kNoKey("\0\0\0\0\0\0\0\0", 8);

// The last status of each step, and the data that came in it.
class Answers final : public initiator_sim::Tap {
 public:
  void OnStep(size_t step, absl::Time) override { step_ = step; }
  void OnPdu(const TapPdu& tapped) override {
    const v1::Pdu& pdu = tapped.decoded->pdu;
    if (tapped.direction != Direction::kToInitiator) return;
    if (pdu.has_login_response()) {
      let_in_ =
          let_in_ || (pdu.login_response().status_class() == 0 && pdu.login_response().transit() &&
                      pdu.login_response().next_stage() == v1::FULL_FEATURE_PHASE);
    } else if (pdu.has_data_in()) {
      Add(pdu.data_in().buffer_offset(), pdu.data().raw());
      if (pdu.data_in().status_present()) statuses_[step_] = pdu.data_in().status();
    } else if (pdu.has_scsi_response()) {
      statuses_[step_] = pdu.scsi_response().status();
      senses_[step_] = initiator_sim::SenseOf(pdu);
    }
  }
  void OnReadData(const initiator_sim::TapConnection&, absl::Time, base::Bytes data) override {
    Add(0, base::AsText(data));
  }

  // Of steps counted from 0; the login is the first.
  std::optional<uint32_t> status(size_t step) const {
    const auto at = statuses_.find(step);
    return at == statuses_.end() ? std::nullopt : std::optional<uint32_t>(at->second);
  }
  bool good(size_t step) const { return status(step) == v1::GOOD; }
  bool conflict(size_t step) const { return status(step) == v1::RESERVATION_CONFLICT; }
  std::optional<v1::SenseData> sense(size_t step) const {
    const auto at = senses_.find(step);
    return at == senses_.end() ? std::nullopt : at->second;
  }
  base::Bytes data(size_t step) { return base::AsBytes(data_[step]); }
  bool let_in() const { return let_in_; }

 private:
  void Add(size_t offset, std::string_view bytes) {
    constexpr size_t kMaxBytes = 1 << 16;
    if (offset > kMaxBytes || bytes.size() > kMaxBytes) return;
    std::string& data = data_[step_];
    data.resize(std::max(data.size(), offset + bytes.size()));
    data.replace(offset, bytes.size(), bytes);
  }

  size_t step_ = 0;
  bool let_in_ = false;
  std::map<size_t, uint32_t> statuses_;
  std::map<size_t, std::optional<v1::SenseData>> senses_;
  std::map<size_t, std::string> data_;
};

v1::Step CommandStep(uint64_t lun, std::string cdb, std::string out = "") {
  v1::Step step;
  v1::Command* const command = step.mutable_command();
  command->set_lun(lun);
  command->mutable_cdb()->set_raw(std::move(cdb));
  if (!out.empty()) command->mutable_write_data()->set_raw(std::move(out));
  command->set_retry_unit_attention(true);
  return step;
}

v1::Step TestUnitReady(uint64_t lun) { return CommandStep(lun, std::string(6, '\0')); }

enum ReserveAction : char { kClear = 3, kRegisterAndIgnore = 6 };

v1::Step ReserveOut(uint64_t lun, ReserveAction action, std::string_view key,
                    std::string_view new_key) {
  constexpr char kListBytes = 24;
  std::string cdb(10, '\0');
  cdb[0] = 0x5f;
  cdb[1] = action;
  cdb[8] = kListBytes;
  std::string list(key);
  list.append(new_key);
  list.resize(kListBytes);
  return CommandStep(lun, cdb, list);
}

v1::Step ReserveIn(uint64_t lun, char action) {
  constexpr uint32_t kBytes = 255;
  std::string cdb(10, '\0');
  cdb[0] = 0x5e;
  cdb[1] = action;
  cdb[8] = static_cast<char>(kBytes);
  v1::Step step = CommandStep(lun, cdb);
  step.mutable_command()->set_read_length(kBytes);
  return step;
}

// The run's own port comes again at once, with the next plain session.
bool IsLeftOpen(const LeftWatch::Port& port, const PlaySettings& settings) {
  const std::array<uint8_t, 6> isid = settings.isid.value_or(initiator_sim::PlayerOptions().isid);
  const InitiatorPort own = {settings.initiator_name, std::string(isid.begin(), isid.end())};
  return port.open && port.port != own;
}

class PuttingBack {
 public:
  PuttingBack(EndpointFactory* factory, const PlaySettings& settings, const TargetFacts& facts,
              uint64_t seed, const LeftWatch& watch)
      : factory_(factory), settings_(settings), facts_(facts), seed_(seed), ports_(watch.ports()) {
    // Whoever interrupts the run wants the disk back, too.
    settings_.interrupted = nullptr;
    settings_.splits = {};
    settings_.surplus_is_noted = true;
    // Those that did something first.
    std::partition(ports_.begin(), ports_.end(),
                   [](const LeftWatch::Port& port) { return !port.deeds.empty(); });
    if (ports_.size() > kMaxPorts) ports_.resize(kMaxPorts);
  }

  PutBackResult Do(const LeftWatch::Deeds& deeds) {
    // Who reserved the unit is in the way of all else.
    const std::pair<Left, void (PuttingBack::*)(uint64_t)> order[] = {
        {Left::kUnitReservation, &PuttingBack::Release},
        {Left::kRegistrations, &PuttingBack::Clear},
        {Left::kStopped, &PuttingBack::StartUnit},
        {Left::kPrevention, &PuttingBack::Allow},
        {Left::kModePages, &PuttingBack::SelectPages},
        {Left::kPortGroups, &PuttingBack::TellOfPortGroups},
    };
    for (const auto& [left, undo] : order) {
      const auto at = deeds.find(left);
      if (at == deeds.end()) continue;
      for (const uint64_t lun : at->second) (this->*undo)(lun);
    }
    Settle(deeds);
    result_.left = absl::StrJoin(left_, "; ");
    return std::move(result_);
  }

 private:
  // Logs in as the port, and sends one command after the other until one isn't GOOD.
  Answers PlayAs(const InitiatorPort& port, std::vector<v1::Step> steps) {
    Answers answers;
    if (plays_++ >= kMaxPlays || refused_ >= kMaxRefused) return answers;
    absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = factory_->Make(seed_);
    if (!endpoint.ok()) {
      ++refused_;
      return answers;
    }
    initiator_sim::Script script;
    script.file = "(putting back)";
    v1::LoginDriver* const login = script.scenario.add_step()->mutable_login();
    login->set_isid(port.isid);
    if (port.name != settings_.initiator_name) {
      v1::OfferedKey* const name = login->add_key();
      name->set_name("InitiatorName");
      name->set_value(port.name);
    }
    for (v1::Step& step : steps) *script.scenario.add_step() = std::move(step);
    script.scenario.add_step()->mutable_logout();
    script.scenario.set_epilogue(v1::NOTHING);
    script.step_lines.resize(static_cast<size_t>(script.scenario.step_size()), 0);
    WireLog log;
    Play(endpoint->get(), settings_, facts_, std::move(script), seed_, {&log, &answers});
    absl::StrAppend(&result_.wire, "# as ", port.name, ", ISID ", absl::BytesToHexString(port.isid),
                    "\n", ToText(log));
    refused_ += answers.let_in() ? 0 : 1;
    return answers;
  }

  // A port that had no part in the case.
  InitiatorPort Stranger() const {
    InitiatorPort port = ports_.front().port;
    const auto known = [this, &port] {
      return std::any_of(ports_.begin(), ports_.end(),
                         [&port](const LeftWatch::Port& one) { return one.port == port; });
    };
    // The qualifier's first byte: some targets don't tell ports by the last one.
    while (known()) port.isid[4] = static_cast<char>(port.isid[4] + 1);
    return port;
  }

  std::vector<InitiatorPort> Doers(Left left, uint64_t lun) const {
    std::vector<InitiatorPort> doers;
    for (const LeftWatch::Port& port : ports_) {
      const auto at = port.deeds.find(left);
      if (at != port.deeds.end() && at->second.contains(lun)) doers.push_back(port.port);
    }
    if (doers.empty()) doers.push_back(ports_.front().port);  // beyond kMaxPorts
    return doers;
  }

  void Tell(uint64_t lun, std::string_view what) {
    left_.push_back(absl::StrCat("LUN ", lun, " ", std::string(what)));
  }

  // ---- RESERVE
  // -----------------------------------------------------------------------------------

  bool IsKept(uint64_t lun) { return PlayAs(Stranger(), {TestUnitReady(lun)}).conflict(1); }

  void Release(uint64_t lun) {
    for (const InitiatorPort& port : Doers(Left::kUnitReservation, lun)) {
      PlayAs(port, {CommandStep(lun, std::string("\x17\0\0\0\0\0", 6))});
    }
    if (!IsKept(lun)) return;
    // A reset ends it, whoever holds it (SPC-2 §5.5.1).
    v1::Step reset, answer;
    v1::Send* const send = reset.mutable_send();
    send->set_task("reset");
    v1::TaskManagementRequest* const request =
        send->mutable_pdu()->mutable_task_management_request();
    request->set_function(v1::LOGICAL_UNIT_RESET);
    request->set_lun(lun);
    answer.mutable_expect()->set_task("reset");
    answer.mutable_expect()->add_one_of()->mutable_pdu()->mutable_task_management_response();
    PlayAs(Stranger(), {reset, answer});
    if (IsKept(lun)) Tell(lun, "is still reserved (RESERVE)");
  }

  // ---- PERSISTENT RESERVE OUT
  // --------------------------------------------------------------------

  // Whether anybody is registered, or holds a reservation. Nothing: it doesn't tell.
  std::optional<bool> IsRegistered(uint64_t lun, const InitiatorPort& port) {
    constexpr char kReadKeys = 0, kReadReservation = 1;
    Answers answers = PlayAs(port, {ReserveIn(lun, kReadKeys), ReserveIn(lun, kReadReservation)});
    bool some = false;
    for (const size_t step : {1, 2}) {
      const base::Bytes data = answers.data(step);
      if (!answers.good(step) || data.size() < 8) return std::nullopt;
      some = some || base::LoadBe32(&data[4]) != 0;
    }
    return some;
  }

  void Clear(uint64_t lun) {
    const std::vector<InitiatorPort> doers = Doers(Left::kRegistrations, lun);
    // CLEAR takes all from everybody; a registered port alone may send it (SPC-4 §5.12.11.2.6).
    PlayAs(doers[0], {ReserveOut(lun, kRegisterAndIgnore, kNoKey, kKey),
                      ReserveOut(lun, kClear, kKey, kNoKey)});
    std::optional<bool> some = IsRegistered(lun, doers[0]);
    if (some != true) return;
    for (const InitiatorPort& port : doers) {
      PlayAs(port, {ReserveOut(lun, kRegisterAndIgnore, kNoKey, kKey),
                    ReserveOut(lun, kRegisterAndIgnore, kKey, kNoKey)});
    }
    some = IsRegistered(lun, doers[0]);
    if (some == true) Tell(lun, "still has persistent reservations or registrations");
  }

  // ---- what is changed of the unit itself
  // --------------------------------------------------------

  bool IsStopped(uint64_t lun) {
    const auto sense = PlayAs(Stranger(), {TestUnitReady(lun)}).sense(1);
    return sense.has_value() && sense->sense_key() == v1::NOT_READY;
  }

  void StartUnit(uint64_t lun) {
    if (!IsStopped(lun)) return;
    PlayAs(Stranger(), {CommandStep(lun, std::string("\x1b\0\0\0\x01\0", 6))});
    if (IsStopped(lun)) Tell(lun, "is still not ready (START STOP UNIT)");
  }

  // Nothing tells whether removal is prevented.
  void Allow(uint64_t lun) {
    for (const InitiatorPort& port : Doers(Left::kPrevention, lun)) {
      PlayAs(port, {CommandStep(lun, std::string("\x1e\0\0\0\0\0", 6))});
    }
  }

  ModePages Pages(uint64_t lun) {
    v1::Step sense;
    v1::Command* const command = sense.mutable_command();
    command->set_lun(lun);
    command->mutable_cdb()->mutable_mode_sense()->set_page_code(0x3f);
    command->set_retry_unit_attention(true);
    // Less than was asked for is no fault here; what came is there all the same.
    Answers answers = PlayAs(Stranger(), {sense});
    return ParseModePages(answers.data(1));
  }

  // Those that aren't as they were.
  ModePages Changed(uint64_t lun) {
    const ModePages now = Pages(lun);
    ModePages changed;
    if (lun != facts_.luns[0]) return changed;
    for (const auto& [code, page] : ParseModePages(base::AsBytes(facts_.mode_pages))) {
      const auto at = now.find(code);
      if (at != now.end() && at->second != page) changed[code] = page;
    }
    return changed;
  }

  void SelectPages(uint64_t lun) {
    for (const auto& [code, page] : Changed(lun)) {
      const std::string list = absl::StrCat(std::string(4, '\0'), page);
      if (list.size() > 255) continue;
      std::string cdb("\x15\x10\0\0\0\0", 6);
      cdb[4] = static_cast<char>(list.size());
      PlayAs(ports_.front().port, {CommandStep(lun, cdb, list)});
    }
    for (const auto& [code, page] : Changed(lun)) {
      Tell(lun, absl::StrCat("has another mode page 0x", absl::Hex(code.first, absl::kZeroPad2),
                             " than before"));
    }
  }

  void TellOfPortGroups(uint64_t lun) {
    Tell(lun, "was sent SET TARGET PORT GROUPS, which is not undone");
  }

  // ---- sessions
  // ----------------------------------------------------------------------------------

  // A login as the same port ends what is left of its session (RFC 7143 §6.3.5), and clears its
  // unit attentions, those that all of the above has brought among them.
  void Settle(const LeftWatch::Deeds& deeds) {
    std::set<uint64_t> luns;
    for (const auto& [left, of] : deeds) luns.insert(of.begin(), of.end());
    if (luns.empty()) luns.insert(facts_.luns.empty() ? 0 : facts_.luns[0]);
    std::vector<v1::Step> steps;
    for (const uint64_t lun : luns) steps.push_back(TestUnitReady(lun));
    for (const LeftWatch::Port& port : ports_) {
      if (!deeds.empty() || IsLeftOpen(port, settings_)) PlayAs(port.port, steps);
    }
  }

  EndpointFactory* const factory_;
  PlaySettings settings_;
  const TargetFacts& facts_;
  const uint64_t seed_;
  std::vector<LeftWatch::Port> ports_;
  size_t plays_ = 0;
  int refused_ = 0;
  std::vector<std::string> left_;
  PutBackResult result_;
};

}  // namespace

PutBackResult PutBack(EndpointFactory* factory, const PlaySettings& settings,
                      const TargetFacts& facts, uint64_t seed, const LeftWatch& watch) {
  const LeftWatch::Deeds deeds = watch.deeds();
  const auto left_open = [&settings](const LeftWatch::Port& port) {
    return IsLeftOpen(port, settings);
  };
  if (deeds.empty() && std::none_of(watch.ports().begin(), watch.ports().end(), left_open)) {
    return {};
  }
  return PuttingBack(factory, settings, facts, seed, watch).Do(deeds);
}

}  // namespace pushpull::conformance
