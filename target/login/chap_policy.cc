#include "target/login/chap_policy.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

using Verdict = AuthExchange::Step::Verdict;

AuthExchange::Step Failed(LoginStatus status, std::string reason) {
  return {Verdict::kFailed, status, std::move(reason), {}};
}
// §9.2: keys that don't fit the step are the initiator's error, what doesn't prove is a failed
// authentication.
AuthExchange::Step IllFormed(std::string reason) {
  return Failed(LoginStatus::kInitiatorError, std::move(reason));
}
AuthExchange::Step Missing(std::string_view key) {
  return Failed(LoginStatus::kMissingParameter, std::string(key) + " is missing");
}
AuthExchange::Step Unproven(std::string reason) {
  return Failed(LoginStatus::kAuthenticationFailure, std::move(reason));
}

// The keys of one step.
struct ChapKeys {
  std::optional<std::string_view> algorithms, identifier, challenge, name, response;
};

class ChapExchange final : public AuthExchange {
 public:
  ChapExchange(ChapPolicy* policy, std::string_view initiator_name)
      : policy_(policy), initiator_name_(initiator_name) {}
  ~ChapExchange() override { policy_->Release(challenge_); }

  Step OnKeys(std::span<const KeyValue> pairs) override {
    ChapKeys keys;
    for (const KeyValue& pair : pairs) {
      std::optional<std::string_view>* const place = pair.key == "CHAP_A"   ? &keys.algorithms
                                                     : pair.key == "CHAP_I" ? &keys.identifier
                                                     : pair.key == "CHAP_C" ? &keys.challenge
                                                     : pair.key == "CHAP_N" ? &keys.name
                                                     : pair.key == "CHAP_R" ? &keys.response
                                                                            : nullptr;
      if (place == nullptr) return IllFormed(std::string(pair.key) + " is no key of CHAP");
      if (place->has_value()) return IllFormed(std::string(pair.key) + " was sent twice");
      *place = pair.value;
    }
    return algorithm_.has_value() ? Verify(keys) : Challenge(keys);
  }

  std::string identity() const override { return identity_; }

 private:
  Step Challenge(const ChapKeys& keys);
  std::optional<Step> ChooseAlgorithm(std::string_view list);
  Step Verify(const ChapKeys& keys);
  bool Proves(const ChapAccount* account, base::Bytes response) const;
  Step ProveOurselves(std::string_view identifier, std::string_view challenge);
  std::string Write(base::Bytes bytes) const {
    return policy_->options().base64 ? FormatBase64(bytes) : FormatHex(bytes);
  }

  ChapPolicy* const policy_;
  const std::string initiator_name_;
  std::optional<ChapAlgorithm> algorithm_;  // once the challenge was sent
  uint8_t identifier_ = 0;
  std::vector<uint8_t> challenge_;
  std::string identity_;  // proven
};

// CHAP_A -> CHAP_A, CHAP_I, CHAP_C.
AuthExchange::Step ChapExchange::Challenge(const ChapKeys& keys) {
  const bool early = keys.identifier || keys.challenge || keys.name || keys.response;
  if (early && !policy_->Has(Bug::kChapEarlyKeysIgnored)) {
    return IllFormed("a key of CHAP came before its step");
  }
  if (!keys.algorithms) return Missing("CHAP_A");
  if (std::optional<Step> refused = ChooseAlgorithm(*keys.algorithms)) return *std::move(refused);
  identifier_ = policy_->NextIdentifier();
  std::optional<std::vector<uint8_t>> challenge = policy_->NextChallenge();
  if (!challenge) return Failed(LoginStatus::kTargetError, "there is no randomness to be had");
  challenge_ = *std::move(challenge);
  Step step;
  step.keys = {{"CHAP_A", std::to_string(static_cast<int>(*algorithm_))},
               {"CHAP_I", std::to_string(identifier_)},
               {"CHAP_C", Write(challenge_)}};
  return step;
}

// The first of the list that is ours (§6.2.1); unknown ones are passed over.
std::optional<AuthExchange::Step> ChapExchange::ChooseAlgorithm(std::string_view list) {
  const std::vector<ChapAlgorithm>& ours = policy_->options().algorithms;
  std::optional<ChapAlgorithm> chosen;
  for (const std::string_view item : SplitList(list)) {
    const std::optional<uint64_t> number = ParseNumber(item);
    if (!number) return IllFormed("CHAP_A is no list of numbers");
    const std::optional<ChapAlgorithm> known = FindChapAlgorithm(*number);
    if (chosen || !known || std::ranges::count(ours, *known) == 0) continue;
    if (ChapResponse(*known, 0, "", {}).has_value()) chosen = known;
  }
  if (!chosen && policy_->Has(Bug::kChapAlgorithmNotOffered)) chosen = ChapAlgorithm::kMd5;
  if (!chosen) return Unproven("none of the algorithms of CHAP_A is to be had");
  algorithm_ = chosen;
  return std::nullopt;
}

// CHAP_N, CHAP_R (CHAP_I, CHAP_C) -> nothing (CHAP_N, CHAP_R).
AuthExchange::Step ChapExchange::Verify(const ChapKeys& keys) {
  if (keys.algorithms) return IllFormed("CHAP_A was sent twice");
  const bool unanswered =
      !keys.response && keys.challenge && policy_->Has(Bug::kChapReflectionByOmission);
  // First of all: without it nothing is ever answered (§9.2).
  if (!keys.response && !unanswered) return Missing("CHAP_R");
  if (!keys.name) return Missing("CHAP_N");
  if (keys.name->empty() || keys.name->size() > kMaxChapName) {
    return IllFormed("CHAP_N doesn't have 1 to 255 bytes");
  }
  if (keys.identifier.has_value() != keys.challenge.has_value()) {
    return Missing(keys.identifier ? "CHAP_C" : "CHAP_I");
  }
  if (unanswered) return ProveOurselves(*keys.identifier, *keys.challenge);
  const bool hexadecimal_only =
      policy_->Has(Bug::kChapBase64Refused) && keys.response->starts_with("0b");
  const auto response = ParseBinary(*keys.response, kMaxChapBinary);
  if ((!response && !policy_->Has(Bug::kChapMalformedTakenAsWrong)) || hexadecimal_only) {
    return IllFormed("CHAP_R is no binary value of 1 to 1024 bytes");
  }
  const ChapAccount* const account = policy_->Find(*keys.name, initiator_name_);
  if (!response || !Proves(account, *response)) {
    if (policy_->Has(Bug::kChapFailureIsInitiatorError)) return IllFormed("the wrong status");
    return Unproven("CHAP_N and CHAP_R don't prove who the initiator is");
  }
  identity_ = *keys.name;
  if (keys.challenge) return ProveOurselves(*keys.identifier, *keys.challenge);
  Step step;
  step.verdict = Verdict::kAuthenticated;
  return step;
}

bool ChapExchange::Proves(const ChapAccount* account, base::Bytes response) const {
  if (policy_->Has(Bug::kChapResponseUnchecked) && account != nullptr) return true;
  const std::vector<ChapAccount>& accounts = policy_->options().accounts;
  if (account == nullptr && policy_->Has(Bug::kChapUserUnchecked)) account = &accounts.front();
  // As much is computed for a user that there isn't.
  const std::string_view secret = account == nullptr ? "nobody's secret" : account->secret.Reveal();
  const auto due = ChapResponse(*algorithm_, identifier_, secret, challenge_);
  if (!due) return false;
  base::Bytes compared = *due;
  if (policy_->Has(Bug::kChapResponseLengthUnchecked) && response.size() < compared.size()) {
    compared = compared.first(response.size());
  }
  std::vector<uint8_t> kept;
  if (policy_->Has(Bug::kChapResponseOverruns)) {
    kept.resize(due->size());
    std::memcpy(kept.data(), response.data(), response.size());
    response = kept;
  }
  bool proven = SameBytes(compared, response);
  // §9.2.1: a response that the target itself would give to its own challenge.
  if (const auto& own = policy_->options().own) {
    const auto ours = ChapResponse(*algorithm_, identifier_, own->secret.Reveal(), challenge_);
    if (ours && SameBytes(*ours, response)) proven = false;
  }
  return proven && account != nullptr;
}

AuthExchange::Step ChapExchange::ProveOurselves(std::string_view identifier,
                                                std::string_view challenge) {
  const std::optional<uint64_t> number = ParseNumber(identifier);
  if (!number || *number > 0xff) return IllFormed("CHAP_I is no number from 0 to 255");
  const size_t longest = policy_->Has(Bug::kChapLongChallengeAccepted) ? 32768 : kMaxChapBinary;
  const auto theirs = ParseBinary(challenge, longest);
  if (!theirs) return IllFormed("CHAP_C is no binary value of 1 to 1024 bytes");
  if (policy_->IsOurs(*theirs) && !policy_->Has(Bug::kChapReflectionAccepted)) {
    return Unproven("the initiator reflects the target's challenge");
  }
  const std::optional<ChapAccount>& own = policy_->options().own;
  if (!own) return Unproven("the target has no secret of its own to prove itself by");
  const ChapSecret& secret = policy_->Has(Bug::kChapProvesByInitiatorSecret)
                                 ? policy_->options().accounts.front().secret
                                 : own->secret;
  const auto response =
      ChapResponse(*algorithm_, static_cast<uint8_t>(*number), secret.Reveal(), *theirs);
  if (!response) return Failed(LoginStatus::kTargetError, "the digest can't be computed");
  Step step;
  step.verdict = Verdict::kAuthenticated;
  step.keys = {{"CHAP_N", own->user}, {"CHAP_R", Write(*response)}};
  if (policy_->Has(Bug::kChapTargetUnproven)) step.keys.clear();
  return step;
}

}  // namespace

ChapPolicy::ChapPolicy(ChapOptions options, Entropy entropy, const BugSet& bugs)
    : options_(std::move(options)), entropy_(std::move(entropy)), bugs_(bugs) {
  CHECK(!options_.accounts.empty());
  CHECK(options_.challenge_length >= 1 && options_.challenge_length <= kMaxChapBinary);
  uint8_t first = 0;
  if (entropy_({&first, 1})) next_identifier_ = first;
}

std::vector<std::string> ChapPolicy::Methods() const {
  std::vector<std::string> methods = {"CHAP"};
  if (options_.optional || bugs_.Has(Bug::kChapNoneAccepted)) {
    methods.emplace_back(kValueNone);
  }
  return methods;
}

std::unique_ptr<AuthExchange> ChapPolicy::Start(std::string_view method,
                                                std::string_view initiator_name) {
  CHECK_EQ(method, "CHAP");
  return std::make_unique<ChapExchange>(this, initiator_name);
}

const ChapAccount* ChapPolicy::Find(std::string_view user, std::string_view initiator_name) const {
  for (const ChapAccount& account : options_.accounts) {
    if (account.user != user) continue;
    const bool may_use = account.initiators.empty() ||
                         std::ranges::count(account.initiators, initiator_name) > 0 ||
                         bugs_.Has(Bug::kChapNameUnbound);
    if (may_use) return &account;
  }
  return nullptr;
}

uint8_t ChapPolicy::NextIdentifier() {
  if (bugs_.Has(Bug::kChapIdentifierStuck)) return next_identifier_;
  return next_identifier_.fetch_add(1, std::memory_order_relaxed);
}

std::optional<std::vector<uint8_t>> ChapPolicy::NextChallenge() {
  std::vector<uint8_t> challenge(options_.challenge_length);
  const std::lock_guard lock(mutex_);
  // A short one may be taken; then two have it.
  for (int attempt = 0; attempt < 16; ++attempt) {
    if (!entropy_(challenge)) return std::nullopt;
    if (!challenges_.contains(challenge)) break;
  }
  if (bugs_.Has(Bug::kChapChallengeRepeated)) std::ranges::fill(challenge, 0x5a);
  challenges_.insert(challenge);
  return challenge;
}

void ChapPolicy::Release(const std::vector<uint8_t>& challenge) {
  const std::lock_guard lock(mutex_);
  if (const auto found = challenges_.find(challenge); found != challenges_.end()) {
    challenges_.erase(found);
  }
}

bool ChapPolicy::IsOurs(const std::vector<uint8_t>& challenge) const {
  const std::lock_guard lock(mutex_);
  return challenges_.contains(challenge);
}

}  // namespace pushpull::target
