#include "tools/streams/wire.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/random.h"
#include "conformance/model/model.h"
#include "conformance/runner/play.h"
#include "fuzz/streams/generator.h"
#include "fuzz/streams/minimise.h"
#include "tools/endpoints/embedded_iser.h"
#include "tools/endpoints/embedded_sim.h"

namespace pushpull::tools {
namespace {

namespace model = conformance::model;
using streams::Item;
using streams::Stream;

// Room for what comes in a length that the model doesn't know.
constexpr uint32_t kRoom = 1 << 16;

class Script {
 public:
  explicit Script(uint64_t seed) : random_(seed), model_(streams::Units(), streams::Ports()) {
    scenario_.set_id("streams/stream");
    scenario_.set_epilogue(v1::NOTHING);
    scenario_.mutable_needs()->set_writes(true);
    scenario_.mutable_needs()->set_whole_lun(true);
    Let("yes", 1);
    for (size_t nexus = 0; nexus < streams::Ports().size(); ++nexus) {
      sessions_.push_back(0);
      model_.Open(nexus);
      LogIn(nexus);
    }
  }

  void Add(const Item& item) {
    // Over a session they come one after the other.
    for (const model::Command& one : item.together) Add({Item::Kind::kCommand, one});
    if (item.kind == Item::Kind::kTogether) return;
    const model::Expected expected = streams::Take(item, &model_);
    const size_t nexus = item.command.nexus;
    if (item.kind == Item::Kind::kReopen) {
      NewStep(nexus)->mutable_logout();
      ++sessions_[nexus];
      return LogIn(nexus);
    }
    if (item.kind == Item::Kind::kUnitReset) return Reset(item);
    if (item.kind == Item::Kind::kSettle || !CanBeSaid(expected)) return;
    AddCommand(item, expected);
    Settle();
  }

  v1::Scenario Take() { return std::move(scenario_); }

 private:
  static bool CanBeSaid(const model::Expected& expected) {
    for (const model::Outcome& outcome : expected.outcomes) {
      if (outcome.status != expected.outcomes.front().status) return false;
    }
    return true;
  }

  // How far a SANITIZE that was answered at once has got, nobody knows: its end is waited for.
  void Settle() {
    bool sanitizes = false;
    for (const uint64_t lun : streams::Luns()) sanitizes |= model_.unit(lun)->sanitizing;
    if (!sanitizes) return;
    scenario_.add_step()->mutable_elapse()->set_milliseconds(1000);
    model_.Settle();
  }

  v1::Step* NewStep(size_t nexus) {
    v1::Step* step = scenario_.add_step();
    step->set_connection(
        absl::StrCat(std::string(1, static_cast<char>('a' + nexus)), sessions_[nexus]));
    return step;
  }

  // A variable, once.
  std::string Let(std::string name, uint64_t value) {
    for (const v1::Variable& variable : scenario_.let()) {
      if (variable.name() == name) return name;
    }
    v1::Variable* variable = scenario_.add_let();
    variable->set_name(name);
    variable->set_number(value);
    return name;
  }

  void LogIn(size_t nexus) {
    v1::Step* step = NewStep(nexus);
    v1::LoginDriver* login = step->mutable_login();
    login->set_session(step->connection());
    const auto isid = streams::Ports()[nexus].isid;
    login->set_isid(std::string(isid.begin(), isid.end()));
    login->set_unit_attention(v1::LEFT);
    const auto offer = [&](const char* name, std::string value) {
      v1::OfferedKey* key = login->add_key();
      key->set_name(name);
      key->set_value(std::move(value));
    };
    offer("InitialR2T", random_.Chance(50) ? "Yes" : "No");
    offer("ImmediateData", random_.Chance(50) ? "Yes" : "No");
    const uint32_t lengths[] = {512, 4096, 65536};
    const uint32_t burst = lengths[random_.Below(3)];
    offer("FirstBurstLength", absl::StrCat(burst));
    offer("MaxBurstLength", absl::StrCat(burst * (1 + random_.Below(4))));
  }

  void Reset(const Item& item) {
    const std::string task = absl::StrCat("reset", scenario_.step_size());
    v1::Step* step = NewStep(item.command.nexus);
    v1::Send* send = step->mutable_send();
    send->set_task(task);
    send->mutable_pdu()->set_immediate(true);
    auto* request = send->mutable_pdu()->mutable_task_management_request();
    request->set_function(v1::LOGICAL_UNIT_RESET);
    request->set_lun_bytes(item.command.lun);
    v1::Expect* expect = NewStep(item.command.nexus)->mutable_expect();
    expect->set_task(task);
    expect->add_one_of()->mutable_pdu()->mutable_task_management_response()->set_response(
        v1::FUNCTION_COMPLETE);
  }

  void AddCommand(const Item& item, const model::Expected& expected) {
    const model::Command& from = item.command;
    v1::Step* step = NewStep(from.nexus);
    step->set_name(absl::StrCat("item ", ++items_));
    v1::Command* command = step->mutable_command();
    command->set_absolute_lba(true);
    command->set_attr(static_cast<v1::TaskAttribute>(from.attribute));
    command->mutable_cdb()->set_raw(std::string(from.cdb.begin(), from.cdb.end()));
    Bind(command, "lun_bytes", from.lun);
    const uint64_t in = expected.more_may_follow ? kRoom : expected.data_in.size();
    const uint64_t bytes = from.data_out.empty() ? in : from.data_out.size();
    Bind(command, "read", from.data_out.empty() && in > 0 ? 1 : 0);
    Bind(command, "write", from.data_out.empty() ? 0 : 1);
    Bind(command, "expected_data_transfer_length", bytes);
    if (!from.data_out.empty()) {
      command->mutable_write_data()->set_raw(
          std::string(from.data_out.begin(), from.data_out.end()));
    }
    const model::Outcome& outcome = expected.outcomes.front();
    command->set_status(static_cast<v1::ScsiStatus>(outcome.status));
    if (outcome.status == model::Status::kCheckCondition && expected.outcomes.size() == 1) {
      v1::SenseData* sense = command->mutable_sense();
      sense->set_sense_key(static_cast<v1::SenseKey>(outcome.sense.key));
      sense->set_additional_sense_code(outcome.sense.code);
      sense->set_additional_sense_code_qualifier(outcome.sense.qualifier);
      if (outcome.sense.information) sense->set_information(*outcome.sense.information);
    }
    const bool all_known = expected.varies.empty() && !expected.more_may_follow;
    if (outcome.status == model::Status::kGood && all_known && from.data_out.empty() && in > 0) {
      command->mutable_expect_data()->set_raw(
          std::string(expected.data_in.begin(), expected.data_in.end()));
    }
  }

  void Bind(v1::Command* command, const char* field, uint64_t value) {
    v1::Binding* binding = command->add_bind();
    binding->set_field(field);
    binding->set_from(Let(absl::StrCat("n", value), value));
  }

  base::Random random_;
  model::Model model_;
  v1::Scenario scenario_;
  std::vector<uint64_t> sessions_;  // of each nexus: how many it had before
  size_t items_ = 0;
};

std::unique_ptr<conformance::Endpoint> MakeEndpoint(const WireOptions& options) {
  v1::TargetConfig config;
  for (const model::UnitTraits& unit : streams::Units()) {
    v1::LunConfig* lun = config.add_lun();
    lun->set_number(unit.number);
    lun->set_spec(
        absl::StrCat(unit.addresses ? "pattern:" : "ram:", unit.blocks * unit.block_size));
    lun->set_block_size(unit.block_size);
    lun->set_serial(unit.serial);
    lun->set_physical_block_size(unit.block_size << unit.physical_exponent);
    lun->set_lowest_aligned_lba(unit.lowest_aligned_lba);
  }
  std::unique_ptr<conformance::EndpointFactory> factory;
  if (options.transport == Transport::kTcp) {
    EmbeddedSimOptions sim;
    sim.bugs = options.bugs;
    sim.config = config;
    factory = MakeEmbeddedSimFactory(std::move(sim));
  } else {
    EmbeddedIserOptions iser;
    iser.bugs = options.bugs;
    iser.config = config;
    factory = MakeEmbeddedIserFactory(std::move(iser));
  }
  auto endpoint = factory->Make(options.seed);
  CHECK(endpoint.ok()) << endpoint.status();
  return *std::move(endpoint);
}

Stream MakeStream(const WireOptions& options) {
  model::Model model(streams::Units(), streams::Ports());
  for (size_t nexus = 0; nexus < streams::Ports().size(); ++nexus) model.Open(nexus);
  streams::Generator generator(options.seed, &model);
  Stream stream;
  while (stream.size() < options.commands) {
    stream.push_back(generator.Next());
    streams::Take(stream.back(), &model);
  }
  return stream;
}

}  // namespace

v1::Scenario ScenarioOf(const Stream& stream, uint64_t seed) {
  Script script(seed);
  for (const Item& item : stream) script.Add(item);
  for (const Item& item : streams::Ending()) script.Add(item);
  return script.Take();
}

std::optional<std::string> PlayOverWire(const Stream& stream, const WireOptions& options) {
  const auto endpoint = MakeEndpoint(options);
  conformance::TargetFacts facts;
  facts.target_name = kEmbeddedTargetName;
  facts.luns = {0, 7, 9, 300};
  facts.block_size = streams::Units().front().block_size;
  facts.block_count = streams::Units().front().blocks;
  initiator_sim::Script script;
  script.scenario = ScenarioOf(stream, options.seed);
  const initiator_sim::PlayResult result =
      conformance::Play(endpoint.get(), {}, facts, std::move(script), options.seed, {});
  if (result.verdict == v1::PASS) {
    const std::vector<std::string> complaints = endpoint->Complaints();
    if (complaints.empty()) return std::nullopt;
    return complaints.front();
  }
  return absl::StrCat(v1::Verdict_Name(result.verdict), " at ", result.failure.step(), ": ",
                      result.failure.message(), "\n", result.failure.actual());
}

std::optional<streams::Finding> RunOverWire(const WireOptions& options) {
  const Stream stream = MakeStream(options);
  if (!PlayOverWire(stream, options).has_value()) return std::nullopt;
  const Stream least = streams::Minimise(
      stream, [&](const Stream& less) { return PlayOverWire(less, options).has_value(); });
  return streams::Finding{least, PlayOverWire(least, options).value_or("")};
}

}  // namespace pushpull::tools
