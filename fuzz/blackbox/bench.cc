#include "fuzz/blackbox/bench.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "fuzz/blackbox/confine.h"
#include "fuzz/blackbox/slug.h"
#include "initiator_sim/player/player.h"

namespace pushpull::fuzz {
namespace {

using conformance::Endpoint;
using conformance::PlaySettings;

// No sequence has more steps that wait than this many times its timeout.
constexpr absl::Duration kSequenceLimit = absl::Minutes(5);
// How long connections stay open for what is still to be answered.
constexpr absl::Duration kLinger = absl::Milliseconds(20);
constexpr int kTimings = 3;
constexpr uint32_t kPlainPlace = 128;  // no sequence has it

// Blocks kWrittenBlocks to twice that: the second half of the scratch area.
constexpr char kSetBlocks[] =
    R"(epilogue: NOTHING step { login {} }
       step { command { cdb { write { lba: 32 blocks: 32 } } retry_unit_attention: true
                        write_data { pattern { seed: 1147 length_in_blocks: 32 } } } })";
constexpr char kLookAtBlocks[] =
    R"(epilogue: NOTHING step { login {} }
       step { name: "read" command { cdb { read { lba: 32 blocks: 32 } }
                                     retry_unit_attention: true } }
       step { name: "compare" command { cdb { read { lba: 32 blocks: 32 } }
              expect_data { pattern { seed: 1147 length_in_blocks: 32 } } } })";
static_assert(kWrittenBlocks == 32 && conformance::kScratchBlocks == 64);
constexpr char kProbe[] = "epilogue: NOTHING step { probe { on_new_connection: true } }";
constexpr char kConnect[] = "epilogue: NOTHING step { connect {} }";

}  // namespace

std::string Sign::id() const {
  static constexpr std::array<std::string_view, 6> kNames = {
      "rule_", "crash_", "hang_", "data_changed", "slower", "disproportion"};
  return absl::StrCat("fuzz/", std::string(kNames[static_cast<size_t>(kind)]), Slug(cause));
}

std::vector<Sign> SignsOf(const Flight& flight, const std::set<std::string>& known_rules) {
  std::vector<Sign> signs;
  std::set<std::string> told;
  for (v1::Violation& violation : flight.violations()) {
    if (known_rules.contains(violation.rule()) || !told.insert(violation.rule()).second) continue;
    signs.push_back({Sign::Kind::kRule, violation.rule(),
                     absl::StrCat("monitor: ", violation.rule(), ": ", violation.message()),
                     std::move(violation)});
  }
  std::string proportion = flight.watch().Disproportion();
  if (!proportion.empty()) {
    signs.push_back({Sign::Kind::kProportion, "", std::move(proportion), std::nullopt});
  }
  return signs;
}

absl::StatusOr<std::unique_ptr<Bench>> Bench::Create(conformance::EndpointFactory* factory,
                                                     const conformance::Case& sanity,
                                                     const conformance::RunOptions& options,
                                                     absl::Duration sequence_timeout) {
  auto bench = std::unique_ptr<Bench>(new Bench(factory, options, sequence_timeout));
  PUSHPULL_ASSIGN_OR_RETURN(bench->single_,
                            conformance::SinglePlayer::Create(factory, sanity, options));
  const conformance::TargetFacts& facts = bench->facts();
  const uint64_t end = options.play.scratch_lba + conformance::kScratchBlocks;
  bench->looks_at_blocks_ = (options.allow_writes || factory->own_target()) &&
                            !facts.write_protected && !facts.luns.empty() &&
                            facts.block_count >= end;
  if (bench->looks_at_blocks_ && !factory->own_target()) bench->SetBlocks(nullptr);
  return bench;
}

PlaySettings Bench::SequenceSettings(uint32_t place) const {
  PlaySettings settings = options_.play;
  settings.step_timeout = sequence_timeout_;
  settings.allow_elapse = false;
  settings.linger = kLinger;
  settings.linger_for_answers_only = true;
  settings.surplus_is_noted = true;
  settings.ask_after = ask_after_;
  std::array<uint8_t, 6> isid = settings.isid.value_or(initiator_sim::PlayerOptions().isid);
  isid[3] = static_cast<uint8_t>(isid[3] + place);
  settings.isid = isid;
  return settings;
}

initiator_sim::PlayResult Bench::PlayPlain(Endpoint* endpoint, const char* text) const {
  conformance::Case c;
  google::protobuf::TextFormat::ParseFromString(text, &c.script.scenario);
  c.script.step_lines.resize(static_cast<size_t>(c.scenario().step_size()), 1);
  std::unique_ptr<Endpoint> made;
  if (endpoint == nullptr) {
    auto fresh = factory_->Make(options_.seed);
    if (!fresh.ok()) {
      initiator_sim::PlayResult none;
      none.verdict = v1::ERROR;
      none.failure.set_message(std::string(fresh.status().message()));
      return none;
    }
    made = *std::move(fresh);
    endpoint = made.get();
  }
  // A port of its own: a login of a sequence that is still under way must not end its session.
  PlaySettings settings = SequenceSettings(kPlainPlace);
  settings.step_timeout = options_.play.step_timeout;
  settings.linger = settings.ask_after = absl::ZeroDuration();
  return conformance::Play(endpoint, settings, facts(), c.script, options_.seed, {});
}

std::optional<Sign> Bench::LookForLife(Endpoint* endpoint) const {
  const initiator_sim::PlayResult result = PlayPlain(endpoint, kProbe);
  // Whatever is said of the run itself, nothing is said of the target.
  if (result.verdict == v1::PASS || result.verdict == v1::NOT_PLAYED) return std::nullopt;
  const bool connects = PlayPlain(endpoint, kConnect).verdict == v1::PASS;
  return Sign{connects ? Sign::Kind::kHang : Sign::Kind::kCrash, "",
              absl::StrCat(connects ? "after it the target takes connections, but no session: "
                                    : "after it nobody takes connections: ",
                           result.failure.message()),
              std::nullopt};
}

void Bench::SetBlocks(Endpoint* endpoint) const { PlayPlain(endpoint, kSetBlocks); }

std::optional<Sign> Bench::LookAtBlocks(Endpoint* endpoint) const {
  const initiator_sim::PlayResult result = PlayPlain(endpoint, kLookAtBlocks);
  if (result.verdict != v1::FAIL || result.failure.step().find("compare") == std::string::npos) {
    return std::nullopt;
  }
  return Sign{Sign::Kind::kData, "",
              absl::StrCat("blocks changed that were not written to: ", result.failure.message()),
              std::nullopt};
}

absl::Status Bench::Restart(const std::string& id, const conformance::ResultFolder* folder) const {
  if (own()) return absl::OkStatus();
  if (!may_restart()) {
    return absl::UnavailableError(
        absl::StrCat(factory_->uri(),
                     " no longer answers; with a restart_command in its --profile this goes on"));
  }
  PUSHPULL_RETURN_IF_ERROR(single_->liveness().Restart(id, options_.play, facts(), folder));
  if (looks_at_blocks_) SetBlocks(nullptr);
  return absl::OkStatus();
}

absl::Duration Bench::TimeToAnswer() const {
  absl::Duration least = absl::InfiniteDuration();
  for (int i = 0; i < kTimings; ++i) {
    const auto start = std::chrono::steady_clock::now();
    if (PlayPlain(nullptr, kProbe).verdict != v1::PASS) continue;
    least = std::min(least, absl::FromChrono(std::chrono::steady_clock::now() - start));
  }
  return least;
}

absl::StatusOr<std::vector<Sign>> Bench::PlayAlone(const v1::Scenario& sequence, uint64_t seed,
                                                   bool data, std::set<State>* states) {
  PUSHPULL_ASSIGN_OR_RETURN(const std::unique_ptr<Endpoint> endpoint, factory_->Make(seed));
  Endpoint* const of_own = own() ? endpoint.get() : nullptr;
  // A target of our own is looked at after each sequence that can have done it, somebody's only
  // where blocks are known to have changed, by whatever it was.
  const bool blocks = data && looks_at_blocks_ && (!own() || Writes(sequence));
  if (blocks) SetBlocks(of_own);
  Flight flight(endpoint.get(), SequenceSettings(0), facts(), sequence, seed);
  endpoint->RunUntil([&] { return flight.over(); }, kSequenceLimit);
  if (!flight.over()) return absl::InternalError("a sequence came to no end: a fault of ours");
  if (states != nullptr) {
    states->insert(flight.watch().states().begin(), flight.watch().states().end());
  }
  std::vector<Sign> signs = SignsOf(flight, options_.known_rules);
  const bool suspect = own() || flight.watch().lost() || !flight.watch().answered();
  std::optional<Sign> dead = suspect ? LookForLife(of_own) : std::nullopt;
  // Once more: what was in its way may have been somebody else.
  if (dead.has_value() && !own()) dead = LookForLife(nullptr);
  if (dead.has_value()) {
    dead->cause = flight.watch().last_sent();
    signs.insert(signs.begin(), *std::move(dead));
    PUSHPULL_RETURN_IF_ERROR(Restart(sequence.id(), nullptr));
    return signs;
  }
  if (blocks) {
    if (std::optional<Sign> changed = LookAtBlocks(of_own)) signs.push_back(*std::move(changed));
  }
  return signs;
}

}  // namespace pushpull::fuzz
