#include "target/auth_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/secret_file.h"
#include "base/status.h"
#include "target/login/chap.h"
#include "target/login/chap_policy.h"
#include "target/negotiation/values.h"
#include "target/session/access.h"

namespace pushpull::target {
namespace {

constexpr uint32_t kLeastChallenge = 16;

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

// RFC 7143 §9.2.1: 96 bits are the least.
std::string TooShort(const std::string& whose, const ChapSecret& secret) {
  return absl::StrCat("the secret of ", whose, " has ", secret.size(), " bytes; RFC 7143 §9.2.1 ",
                      "wants 12 random ones at the least where no IPsec protects the connection");
}

// "chap.mutual_user", or the option that said so.
std::string Called(const LoadedConfig& loaded, const std::string& field, const char* inner) {
  const std::string name = loaded.NameOf(field);
  return name == field ? absl::StrCat(field, inner) : name;
}

absl::Status CheckUser(const std::string& user, const std::string& field) {
  if (!user.empty() && user.size() <= kMaxChapName && user.find('\0') == std::string::npos) {
    return absl::OkStatus();
  }
  return Invalid(absl::StrCat(field, ": CHAP_N has 1 to 255 bytes, none of them 0"));
}

absl::StatusOr<ChapAccount> TakeAccount(const LoadedConfig& loaded, int index) {
  const v1::ChapAccount& config = loaded.config().chap_account(index);
  const auto at = [&](const absl::Status& status, const std::string& field) {
    return loaded.At(status, "chap_account", index, field);
  };
  ChapAccount account;
  account.user = config.user();
  if (absl::Status user = CheckUser(account.user, Called(loaded, "chap_account", ".user"));
      !user.ok()) {
    return at(user, "user");
  }
  for (int other = 0; other < index; ++other) {
    if (loaded.config().chap_account(other).user() != account.user) continue;
    return at(Invalid(absl::StrCat("chap_account \"", account.user, "\" is there twice")), "user");
  }
  if (config.secret_file().empty()) {
    return at(Invalid(absl::StrCat("chap_account \"", account.user, "\" has no secret_file")),
              "user");
  }
  absl::StatusOr<std::string> secret = base::ReadSecretFile(config.secret_file());
  if (!secret.ok()) return at(secret.status(), "secret_file");
  account.secret = ChapSecret(*std::move(secret));
  for (const std::string& name : config.initiator()) {
    if (!IsIscsiName(name)) {
      return at(
          Invalid(absl::StrCat("initiator \"", name, "\" is no iSCSI name (iqn., eui., naa.)")),
          "initiator");
    }
    account.initiators.push_back(absl::AsciiStrToLower(name));  // as logins have it
  }
  return account;
}

absl::Status TakeOwn(const LoadedConfig& loaded, ChapOptions& chap) {
  const v1::ChapSettings& config = loaded.config().chap();
  if (config.mutual_user().empty() && config.mutual_secret_file().empty()) {
    return absl::OkStatus();
  }
  if (config.mutual_user().empty() || config.mutual_secret_file().empty()) {
    return loaded.At(Invalid("chap: mutual_user and mutual_secret_file go together"), "chap", -1,
                     config.mutual_user().empty() ? "mutual_secret_file" : "mutual_user");
  }
  ChapAccount own;
  own.user = config.mutual_user();
  if (absl::Status user = CheckUser(own.user, Called(loaded, "chap", ".mutual_user")); !user.ok()) {
    return loaded.At(user, "chap", -1, "mutual_user");
  }
  absl::StatusOr<std::string> secret = base::ReadSecretFile(config.mutual_secret_file());
  if (!secret.ok()) return loaded.At(secret.status(), "chap", -1, "mutual_secret_file");
  own.secret = ChapSecret(*std::move(secret));
  const auto wrong = [&loaded](const std::string& message) {
    return loaded.At(Invalid(message), "chap", -1, "mutual_secret_file");
  };
  // The step that would use it SHOULD NOT be gone on with (§9.2.1).
  if (own.secret.size() < kLeastSecretBytes) {
    return wrong(TooShort(Called(loaded, "chap", ".mutual_user"), own.secret));
  }
  for (const ChapAccount& account : chap.accounts) {
    if (!account.secret.Equals(own.secret)) continue;
    return wrong(absl::StrCat("the target's secret is that of \"", account.user,
                              "\", too; RFC 7143 §9.2.1 forbids one secret for both directions"));
  }
  chap.own = std::move(own);
  return absl::OkStatus();
}

absl::Status TakeSettings(const LoadedConfig& loaded, ChapOptions& chap) {
  const v1::ChapSettings& config = loaded.config().chap();
  if (!config.algorithm().empty()) chap.algorithms.clear();
  for (const uint32_t number : config.algorithm()) {
    const std::optional<ChapAlgorithm> algorithm = FindChapAlgorithm(number);
    if (!algorithm) {
      return loaded.At(Invalid(absl::StrCat("chap.algorithm ", number, ": there are 5 (MD5), 6 ",
                                            "(SHA1), 7 (SHA-256) and 8 (SHA3-256)")),
                       "chap", -1, "algorithm");
    }
    chap.algorithms.push_back(*algorithm);
  }
  if (config.has_challenge_length()) {
    if (config.challenge_length() < kLeastChallenge || config.challenge_length() > kMaxChapBinary) {
      return loaded.At(Invalid(absl::StrCat("chap.challenge_length is ", config.challenge_length(),
                                            ", but can be 16 to 1024")),
                       "chap", -1, "challenge_length");
    }
    chap.challenge_length = config.challenge_length();
  }
  chap.optional = config.optional();
  chap.base64 = config.base64();
  return absl::OkStatus();
}

void Warn(const LoadedConfig& loaded, const ChapOptions& chap, TargetOptions& options) {
  for (size_t i = 0; i < chap.accounts.size(); ++i) {
    const ChapAccount& account = chap.accounts[i];
    const std::string place = loaded.Place("chap_account", static_cast<int>(i));
    const std::string whose = absl::StrCat("\"", account.user, "\"");
    if (account.secret.size() < kLeastSecretBytes) {
      options.warnings.push_back(absl::StrCat(place, TooShort(whose, account.secret)));
    }
    for (size_t other = 0; other < i; ++other) {
      if (!chap.accounts[other].secret.Equals(account.secret)) continue;
      options.warnings.push_back(
          absl::StrCat(place, "the secret of ", whose, " is that of \"", chap.accounts[other].user,
                       "\", too: each can pass for the other (RFC 7143 §9.2.1)"));
    }
  }
}

LoginStatus StatusOf(v1::AccessAnswer answer) {
  switch (answer) {
    case v1::ALLOW:
      return LoginStatus::kSuccess;
    case v1::MOVED_TEMPORARILY:
      return LoginStatus::kTargetMovedTemporarily;
    case v1::MOVED_PERMANENTLY:
      return LoginStatus::kTargetMovedPermanently;
    case v1::REMOVED:
      return LoginStatus::kTargetRemoved;
    case v1::UNAVAILABLE:
      return LoginStatus::kServiceUnavailable;
    default:
      return LoginStatus::kAuthorizationFailure;
  }
}

}  // namespace

absl::Status TakeChap(const LoadedConfig& loaded, TargetOptions& options) {
  const v1::TargetConfig& config = loaded.config();
  if (config.chap_account().empty()) {
    if (!config.has_chap()) return absl::OkStatus();
    const std::string name = loaded.NameOf("chap"), account = loaded.NameOf("chap_account", "chap");
    return loaded.At(
        Invalid(absl::StrCat(name, ": nobody can log in by CHAP; add ",
                             account == "chap_account"
                                 ? "a chap_account { user: \"...\" secret_file: \"...\" }"
                                 : absl::StrCat(account, " and its secret"),
                             ", or take ", name, " out")),
        "chap");
  }
  ChapOptions chap;
  for (int i = 0; i < config.chap_account_size(); ++i) {
    PUSHPULL_ASSIGN_OR_RETURN(ChapAccount account, TakeAccount(loaded, i));
    chap.accounts.push_back(std::move(account));
  }
  PUSHPULL_RETURN_IF_ERROR(TakeOwn(loaded, chap));
  PUSHPULL_RETURN_IF_ERROR(TakeSettings(loaded, chap));
  Warn(loaded, chap, options);
  options.node.open_discovery = config.chap().open_discovery();
  options.chap = std::move(chap);
  return absl::OkStatus();
}

absl::Status TakeAccess(const LoadedConfig& loaded, NodeOptions& node) {
  for (int i = 0; i < loaded.config().access_size(); ++i) {
    const v1::AccessRule& config = loaded.config().access(i);
    const auto wrong = [&](const std::string& field, const std::string& message) {
      return loaded.At(Invalid(message), "access", i, field);
    };
    AccessRule rule;
    rule.initiator = config.initiator();
    absl::StatusOr<PortalPattern> portal = ParsePortalPattern(config.portal());
    if (!portal.ok()) {
      return wrong("portal", absl::StrCat("access: portal ", portal.status().message()));
    }
    rule.portal = *std::move(portal);
    rule.status = StatusOf(config.answer());
    const bool moved = StatusClass(rule.status) == 1;
    if (moved != !config.redirect_to().empty()) {
      return wrong("answer", moved ? "access: where has the target moved to? give redirect_to"
                                   : "access: redirect_to goes with MOVED_TEMPORARILY or "
                                     "MOVED_PERMANENTLY");
    }
    for (const std::string& address : config.redirect_to()) {
      if (!IsRedirectAddress(address)) {
        return wrong("redirect_to",
                     absl::StrCat("access: redirect_to \"", address, "\": right is HOST[:PORT]"));
      }
      rule.redirect_addresses.push_back(address);
    }
    node.access.push_back(std::move(rule));
  }
  return absl::OkStatus();
}

}  // namespace pushpull::target
