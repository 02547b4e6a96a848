// CHAP exchanges (RFC 7143 §12.1.3): nobody gets in without the right response, the target answers
// a challenge rightly, and its keys keep to their bounds. An input is the keys of the requests,
// each "KEY=VALUE" on a line of its own; an empty line ends a request. The value "$R" is the right
// response to the challenge that came.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "initiator_sim/session/chap.h"
#include "initiator_sim/session/keys.h"
#include "target/login/auth.h"
#include "target/login/chap.h"
#include "target/login/chap_policy.h"

namespace pushpull {
namespace {

constexpr char kUser[] = "alice", kSecret[] = "alice's secret 16",
               kOwnSecret[] = "the target's own";
constexpr size_t kMostRequests = 16, kMostKeys = 16;
using Verdict = target::AuthExchange::Step::Verdict;

class Exchange {
 public:
  Exchange() {
    target::ChapOptions options;
    options.accounts = {{kUser, target::ChapSecret(kSecret), {}}};
    options.own = target::ChapAccount{"storage", target::ChapSecret(kOwnSecret), {}};
    policy_ = std::make_unique<target::ChapPolicy>(options, target::SeededEntropy(1));
    exchange_ = policy_->Start("CHAP", "iqn.2026-11.org.example:host");
  }

  void Add(std::string_view line) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || keys_.size() == kMostKeys) return;
    std::string value(line.substr(equals + 1));
    if (value == "$R") value = Right().value_or("0x00");
    keys_.emplace_back(std::string(line.substr(0, equals)), std::move(value));
  }

  // False: the exchange is over.
  bool Ask() {
    const auto keys = std::exchange(keys_, {});
    std::vector<target::KeyValue> views;
    for (const auto& [key, value] : keys) views.push_back({key, value});
    const std::optional<std::string> right = Right();
    const target::AuthExchange::Step step = exchange_->OnKeys(views);
    if (step.verdict == Verdict::kFailed) {
      CHECK(!step.reason.empty());
      return false;
    }
    for (const auto& [key, value] : keys) {
      proven_ |= key == "CHAP_R" && right.has_value() && Bytes(value) == Bytes(*right);
      if (key == "CHAP_N") named_ |= value == kUser;
      if (key == "CHAP_I" || key == "CHAP_C") challenge_[key] = value;
    }
    for (const auto& [key, value] : step.keys) {
      CHECK_LE(value.size(), 8192u);
      if (key == "CHAP_R") CheckOwn(value);
      sent_[key] = value;
    }
    if (step.verdict != Verdict::kAuthenticated) return true;
    CHECK(proven_ && named_) << "somebody got in who proved nothing";
    return false;
  }

 private:
  static std::optional<std::string> Bytes(const std::string& value) {
    return initiator_sim::DecodeBinary(value);
  }
  std::optional<std::string> ResponseTo(std::string_view identifier, const std::string& challenge,
                                        std::string_view secret) {
    const auto algorithm = initiator_sim::ParseNumericalValue(sent_["CHAP_A"]);
    const auto number = initiator_sim::ParseNumericalValue(identifier);
    const auto bytes = Bytes(challenge);
    if (!algorithm || !number || !bytes) return std::nullopt;
    return initiator_sim::ChapResponse(static_cast<uint32_t>(*algorithm),
                                       static_cast<uint8_t>(*number), secret, *bytes);
  }
  std::optional<std::string> Right() {
    const auto response = ResponseTo(sent_["CHAP_I"], sent_["CHAP_C"], kSecret);
    if (!response) return std::nullopt;
    return initiator_sim::EncodeBinary(*response, false);
  }
  void CheckOwn(const std::string& value) {
    const auto due = ResponseTo(challenge_["CHAP_I"], challenge_["CHAP_C"], kOwnSecret);
    CHECK(due.has_value()) << "it answers what was no challenge";
    CHECK(Bytes(value) == due) << "its own response is wrong";
  }

  std::unique_ptr<target::ChapPolicy> policy_;
  std::unique_ptr<target::AuthExchange> exchange_;
  std::vector<std::pair<std::string, std::string>> keys_;
  std::map<std::string, std::string> sent_;       // by the target
  std::map<std::string, std::string> challenge_;  // the initiator's
  bool proven_ = false;
  bool named_ = false;
};

void Talk(std::string_view text) {
  Exchange exchange;
  for (size_t requests = 0; requests < kMostRequests;) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.empty() || end == std::string_view::npos) {
      if (end == std::string_view::npos) exchange.Add(line);
      if (!exchange.Ask() || end == std::string_view::npos) return;
      ++requests;
    } else {
      exchange.Add(line);
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace
}  // namespace pushpull

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::Talk(pushpull::base::AsText({data, size}));
  return 0;
}
