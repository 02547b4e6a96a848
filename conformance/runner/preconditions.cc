#include "conformance/runner/preconditions.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pushpull::conformance {
namespace {

// What the case needs that tells whether the LUN keeps what is written to it.
constexpr char kWritesKept[] = "writes_kept";

// Whether a connection's login is sent, or has its security, without regard to the run's
// credentials.
bool LogsInByItself(const v1::Scenario& scenario) {
  std::set<std::string> driven;  // connections
  for (const v1::Step& step : scenario.step()) {
    if (step.has_login()) {
      driven.insert(step.connection());
      const auto& keys = step.login().key();
      const bool own_method = std::any_of(
          keys.begin(), keys.end(), [](const auto& key) { return key.name() == "AuthMethod"; });
      if (own_method || step.login().skip_security_stage()) return true;
    }
    const bool sent = step.send().pdu().has_login_request();
    if (sent && !driven.contains(step.connection())) return true;
  }
  return false;
}

// What a case's logins lack; empty: nothing.
std::string UnmetAuthentication(const v1::Scenario& scenario, const Offer& offer) {
  const v1::Needs& needs = scenario.needs();
  if (needs.mutual_chap() && !offer.mutual_chap) {
    return "it needs mutual CHAP: --chap-mutual-user and --chap-mutual-secret-file";
  }
  if (needs.chap() && !offer.chap) return "it needs CHAP: --chap-user and --chap-secret-file";
  const bool of_chap = needs.chap() || needs.mutual_chap();
  if (offer.facts.authentication_required && !of_chap && LogsInByItself(scenario)) {
    return "it logs in without authentication, and the target lets nobody in so";
  }
  return "";
}

// What keeps a case from changing blocks.
std::optional<Unmet> UnmetWrites(const v1::Needs& needs, const Offer& offer) {
  if (!offer.writes) {
    return Unmet{v1::SKIP,
                 "it changes blocks of the LUN; --allow-writes lets it (the data there is lost)"};
  }
  if (offer.facts.write_protected) {
    return Unmet{v1::SKIP,
                 absl::StrCat("it needs a writable LUN; LUN ", offer.facts.luns[0],
                              " says in MODE SENSE that it is write-protected (name another: "
                              "tcp://HOST/IQN/LUN)")};
  }
  // A LUN may be one that forgets, by its profile. What else loses all writes is found by this
  // case.
  const auto& capabilities = needs.capability();
  const bool tells = std::count(capabilities.begin(), capabilities.end(), kWritesKept) > 0;
  if (offer.facts.forgets_writes && !tells) {
    return Unmet{v1::UNSUPPORTED,
                 absl::StrCat("LUN ", offer.facts.luns[0],
                              " doesn't keep what is written to it: it read back as zeros before "
                              "the first case")};
  }
  return std::nullopt;
}

// What the blocks that it reads or writes from the scratch area on want.
std::optional<Unmet> UnmetBlocks(const v1::Needs& needs, const Offer& offer) {
  const TargetFacts& facts = offer.facts;
  const auto skip = [](std::string message) { return Unmet{v1::SKIP, std::move(message)}; };
  if (needs.blocks() > facts.block_count) {
    return skip(absl::StrCat("it needs a LUN of ", needs.blocks(), " blocks; this one has ",
                             facts.block_count));
  }
  const uint64_t last = facts.block_count - 1;
  const uint64_t end = 1 + (needs.writes() ? offer.scratch_last_lba.value_or(last) : last);
  if (end - std::min(end, offer.scratch_lba) < needs.blocks()) {
    return skip(absl::StrCat("it needs ", needs.blocks(), " blocks from --scratch-lba ",
                             offer.scratch_lba, " on; there are ",
                             end - std::min(end, offer.scratch_lba)));
  }
  if (facts.max_transfer_blocks != 0 && needs.transfer_blocks() > facts.max_transfer_blocks) {
    return skip(absl::StrCat("it needs commands of ", needs.transfer_blocks(),
                             " blocks; the LUN's Block Limits page allows ",
                             facts.max_transfer_blocks));
  }
  if (needs.block_size() != 0 && needs.block_size() != facts.block_size) {
    return skip(absl::StrCat("it needs blocks of ", needs.block_size(), " bytes; this LUN's have ",
                             facts.block_size));
  }
  return std::nullopt;
}

}  // namespace

bool IsOfTransport(const v1::Scenario& scenario, bool rdma) {
  return scenario.needs().transport() != (rdma ? v1::TCP_ONLY : v1::ISER_ONLY);
}

std::optional<Unmet> FindUnmet(const v1::Scenario& scenario, const Offer& offer) {
  const v1::Needs& needs = scenario.needs();
  const auto skip = [](std::string message) { return Unmet{v1::SKIP, std::move(message)}; };
  for (const std::string& capability : needs.capability()) {
    if (offer.lacks.contains(capability)) {
      return Unmet{v1::UNSUPPORTED,
                   absl::StrCat("the profile says that the target lacks \"", capability, "\"")};
    }
  }
  if (scenario.role() == v1::TARGET) return skip("it tests initiators, not targets");
  if (!IsOfTransport(scenario, offer.rdma)) {
    return skip(offer.rdma
                    ? "it is about what only TCP has: digests, or Data-In, Data-Out and R2T as PDUs"
                    : "it needs an RDMA transport: --target embedded-iser: or iser://...");
  }
  if (needs.rdma_log() && !offer.rdma_log) {
    return skip("it needs to be told of each RDMA operation; --target embedded-iser: tells");
  }
  if (needs.rfc7145() && !offer.rfc7145) {
    return skip(
        "it needs an initiator that takes all it promises, and a Hello: --iser-dialect rfc7145");
  }
  if (scenario.has_fabric() && !offer.link) {
    return skip(
        "it changes the link; `pushpull softroce --link veth -- pushpull run --target iser://...` "
        "lets it");
  }
  if (needs.writes() || needs.whole_lun()) {
    if (std::optional<Unmet> unmet = UnmetWrites(needs, offer)) return unmet;
  }
  if (needs.whole_lun() && !offer.whole_lun) {
    return skip(
        "it changes blocks outside of the scratch area; --allow-writes without --scratch-lba lets "
        "it (all data of the LUN are lost)");
  }
  if (needs.luns() > offer.facts.luns.size()) {
    return skip(absl::StrCat("it needs ", needs.luns(), " LUNs that are disks; the target has ",
                             offer.facts.luns.size()));
  }
  if (needs.portals() > offer.portals) {
    return skip(
        absl::StrCat("it needs ", needs.portals(), " portals; give each of them as a --target"));
  }
  if (std::optional<Unmet> unmet = UnmetBlocks(needs, offer)) return unmet;
  for (const std::string& hook : needs.hook()) {
    if (offer.hooks.contains(hook)) continue;
    return skip(absl::StrCat("it needs the target's administrative hook \"", hook,
                             "\"; a profile can give a command for it: hook { hook: \"", hook,
                             "\" command: \"...\" }"));
  }
  if (needs.virtual_time() && !offer.virtual_time) {
    return skip("it needs virtual time; --target embedded-sim: has it");
  }
  if (std::string why = UnmetAuthentication(scenario, offer); !why.empty()) {
    return skip(std::move(why));
  }
  return std::nullopt;
}

}  // namespace pushpull::conformance
