#include "conformance/runner/single.h"

#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/play_case.h"
#include "initiator_sim/iser/dialect.h"

namespace pushpull::conformance {
namespace {

constexpr char kGone[] = "after it the target no longer answers";

}  // namespace

Offer OfferOf(const EndpointFactory& factory, const RunOptions& options, TargetFacts facts) {
  Offer offer;
  offer.facts = std::move(facts);
  offer.portals = options.portals;
  offer.writes = options.allow_writes || factory.own_target();
  offer.whole_lun = offer.writes && !options.play.scratch_last_lba.has_value();
  offer.scratch_lba = options.play.scratch_lba;
  offer.scratch_last_lba = options.play.scratch_last_lba;
  offer.virtual_time = factory.virtual_time();
  offer.rdma = factory.rdma();
  offer.rdma_log = factory.rdma_log();
  offer.rfc7145 = options.play.iser_dialect == initiator_sim::IserDialect::kRfc7145;
  offer.link = !options.commands.link.empty();
  const bool own_chap = factory.chap() != nullptr;
  offer.chap = own_chap || !options.play.chap.user.empty();
  offer.mutual_chap = own_chap || !options.play.chap.mutual_user.empty();
  for (const auto& [name, command] : options.commands.hooks) offer.hooks.insert(name);
  for (std::string& name : factory.hooks()) offer.hooks.insert(std::move(name));
  offer.lacks.insert(options.lacks.begin(), options.lacks.end());
  return offer;
}

absl::StatusOr<std::unique_ptr<SinglePlayer>> SinglePlayer::Create(EndpointFactory* factory,
                                                                   const Case& sanity,
                                                                   const RunOptions& options) {
  auto player = std::unique_ptr<SinglePlayer>(new SinglePlayer(factory, sanity, options));
  PUSHPULL_ASSIGN_OR_RETURN(
      TargetFacts facts, InspectTarget(factory, options.play, factory->target_name(), options.lun));
  PUSHPULL_RETURN_IF_ERROR(CheckScratch(options.play, facts, factory->uri()));
  PUSHPULL_RETURN_IF_ERROR(CheckPortals(factory, options.play, facts, options.portals));
  player->offer_ = OfferOf(*factory, options, std::move(facts));
  PUSHPULL_RETURN_IF_ERROR(player->liveness_.Check(options.play, player->offer_.facts));
  return player;
}

absl::StatusOr<v1::CaseResult> SinglePlayer::Play(const Case& c, const ResultFolder* folder) {
  if (const std::optional<Unmet> unmet = FindUnmet(c.scenario(), offer_)) {
    return NotPlayed(c, unmet->verdict, unmet->message);
  }
  bool lost = false;
  std::string left;
  PlayCaseOptions options;
  options.settings = &options_.play;
  options.facts = &offer_.facts;
  options.seed = options_.seed;
  options.folder = folder;
  options.replay_command = options_.replay_command;
  options.commands = &options_.commands;
  options.known_rules = &options_.known_rules;
  options.connection_lost = &lost;
  options.left = &left;
  v1::CaseResult result = PlayCase(factory_, c, options);
  if (factory_->own_target() || (result.verdict() == v1::PASS && !lost)) return result;
  if (!left.empty() && !options_.commands.restart.empty()) {
    // The next play must not find it.
    PUSHPULL_RETURN_IF_ERROR(liveness_.Restart(c.id(), options_.play, offer_.facts, folder));
    return result;
  }
  if (liveness_.Check(options_.play, offer_.facts).ok()) return result;
  // How a case ends that kills its target depends on when it dies: the death is what counts.
  const std::string before = result.failure().message();
  result.set_verdict(v1::FAIL);
  result.clear_failure();
  result.mutable_failure()->set_message(kGone);
  result.mutable_failure()->set_actual(before);
  if (options_.commands.restart.empty()) {
    return absl::UnavailableError(
        absl::StrCat(About(factory_->uri()), kGone, " (", c.id(),
                     "); with a restart_command in its --profile this goes on"));
  }
  const absl::Status restarted = liveness_.Restart(c.id(), options_.play, offer_.facts, folder);
  if (!restarted.ok()) {
    return absl::UnavailableError(
        absl::StrCat(About(factory_->uri()), kGone, " (", c.id(),
                     "); restart_command: ", std::string(restarted.message())));
  }
  return result;
}

}  // namespace pushpull::conformance
