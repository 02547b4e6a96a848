#include "initiator_sim/session/chap.h"

#include <openssl/evp.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "base/text.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kMaxChapBinary = 1024;  // RFC 7143 §12.1.3
constexpr size_t kOwnChallengeLength = 32;

v1::KeyValue Key(std::string_view name, std::string_view value) {
  v1::KeyValue key;
  key.set_name(std::string(name));
  key.set_value(std::string(value));
  return key;
}

const EVP_MD* DigestOfAlgorithm(uint32_t algorithm) {
  switch (algorithm) {
    case kChapMd5:
      return EVP_md5();
    case kChapSha1:
      return EVP_sha1();
    case kChapSha256:
      return EVP_sha256();
    case kChapSha3_256:
      return EVP_sha3_256();
    default:
      return nullptr;
  }
}

// CHAP_R, right or not.
std::string Written(const std::string& response, const v1::Chap& settings) {
  switch (settings.deviation()) {
    case v1::CHAP_RESPONSE_NOT_A_NUMBER:
      return "0xnothexadecimal";
    case v1::CHAP_RESPONSE_EMPTY:
      return settings.base64() ? "0b" : "0x";
    case v1::CHAP_RESPONSE_HALF_BASE64:
      return "0bAAA";
    case v1::CHAP_UPPER_CASE:
      return absl::AsciiStrToUpper(EncodeBinary(response, /*base64=*/false));
    default:
      return EncodeBinary(response, settings.base64());
  }
}

absl::Status Breach(std::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(base::ToAbsl(what), " (RFC 7143 §12.1.3)"));
}

}  // namespace

std::optional<std::string> ChapResponse(uint32_t algorithm, uint8_t identifier,
                                        std::string_view secret, std::string_view challenge) {
  const EVP_MD* digest = DigestOfAlgorithm(algorithm);
  if (digest == nullptr) return std::nullopt;
  std::string input(1, static_cast<char>(identifier));
  input.append(secret).append(challenge);
  uint8_t output[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(input.data(), input.size(), output, &length, digest, nullptr) != 1) {
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(output), length);
}

std::string EncodeBinary(std::string_view bytes, bool base64) {
  if (base64) return absl::StrCat("0b", absl::Base64Escape(base::ToAbsl(bytes)));
  return "0x" + base::Hex(base::AsBytes(bytes));
}

std::optional<std::string> DecodeBinary(std::string_view text) {
  const std::string_view digits = text.size() < 2 ? "" : text.substr(2);
  if (digits.empty()) return std::nullopt;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    // An odd number of digits stands for one more zero in front (§6.1: n digits are (n + 1) / 2
    // bytes).
    const std::string even = (digits.size() % 2 == 1 ? "0" : "") + std::string(digits);
    if (even.find_first_of(" \t\r\n\v\f") != std::string::npos) return std::nullopt;
    const auto bytes = base::ParseHex(even);
    if (!bytes) return std::nullopt;
    return std::string(bytes->begin(), bytes->end());
  }
  if (text.starts_with("0b") || text.starts_with("0B")) {
    std::string bytes;
    if (!absl::Base64Unescape(base::ToAbsl(digits), &bytes)) return std::nullopt;
    return bytes;
  }
  return std::nullopt;
}

ChapInitiator::ChapInitiator(const v1::Chap& settings, const ChapCredentials& credentials,
                             uint64_t seed)
    : settings_(settings), credentials_(credentials), random_(seed) {}

std::vector<v1::KeyValue> ChapInitiator::Offer() const {
  if (settings_.algorithm().empty()) return {Key("CHAP_A", absl::StrCat(kChapMd5))};
  return {Key("CHAP_A", absl::StrJoin(settings_.algorithm(), ","))};
}

absl::StatusOr<std::vector<v1::KeyValue>> ChapInitiator::Answer(const v1::KeyList& keys) {
  if (answered_) {
    if (settings_.mutual() && !proven_) {
      if (absl::Status status = Prove(keys); !status.ok()) return status;
    }
    return std::vector<v1::KeyValue>();
  }
  const std::string* algorithm = FindKey(keys, "CHAP_A");
  const std::string* identifier = FindKey(keys, "CHAP_I");
  const std::string* challenge = FindKey(keys, "CHAP_C");
  if (algorithm == nullptr || identifier == nullptr || challenge == nullptr) {
    return Breach("CHAP_A, CHAP_I and CHAP_C are due from the target");
  }
  const auto number = ParseNumericalValue(*algorithm);
  const bool offered = settings_.algorithm().empty()
                           ? number == kChapMd5
                           : std::count(settings_.algorithm().begin(), settings_.algorithm().end(),
                                        number.value_or(0)) > 0;
  if (!number || !offered) return Breach("CHAP_A=" + *algorithm + " is none that was offered");
  if (DigestOfAlgorithm(static_cast<uint32_t>(*number)) == nullptr) {
    return absl::UnimplementedError("CHAP algorithm " + *algorithm + " isn't known here");
  }
  const auto id = ParseNumericalValue(*identifier);
  if (!id || *id > 255) return Breach("CHAP_I=" + *identifier + " is no number up to 255");
  const auto bytes = DecodeBinary(*challenge);
  if (!bytes || bytes->empty()) return Breach("CHAP_C is no binary value");
  if (bytes->size() > kMaxChapBinary) return Breach("CHAP_C has more than 1024 bytes");
  answered_ = true;
  return Respond(static_cast<uint32_t>(*number), static_cast<uint8_t>(*id), *bytes);
}

std::vector<v1::KeyValue> ChapInitiator::Respond(uint32_t algorithm, uint8_t identifier,
                                                 const std::string& challenge) {
  algorithm_ = algorithm;
  const v1::ChapDeviation deviation = settings_.deviation();
  const std::string& secret = settings_.has_secret() ? settings_.secret() : credentials_.secret;
  std::string response = *ChapResponse(algorithm, identifier, secret, challenge);
  if (deviation == v1::CHAP_RESPONSE_WRONG) response[0] ^= 1;
  if (deviation == v1::CHAP_RESPONSE_SHORT) response.pop_back();
  if (deviation == v1::CHAP_RESPONSE_LONG) response.push_back('\0');
  if (deviation == v1::CHAP_RESPONSE_TOO_LONG) response.resize(kMaxChapBinary + 1);

  std::vector<v1::KeyValue> answer;
  if (deviation == v1::CHAP_ALGORITHM_AGAIN) {
    answer.push_back(Key("CHAP_A", absl::StrCat(algorithm)));
  }
  if (deviation != v1::CHAP_NAME_ABSENT) {
    answer.push_back(Key("CHAP_N", settings_.has_user() ? settings_.user() : credentials_.user));
  }
  if (deviation != v1::CHAP_RESPONSE_ABSENT) {
    answer.push_back(Key("CHAP_R", Written(response, settings_)));
  }
  if (deviation == v1::CHAP_RESPONSE_TWICE) answer.push_back(answer.back());
  if (deviation == v1::CHAP_OTHER_METHODS_KEY) answer.push_back(Key("KRB_AP_REQ", "0x00"));
  if (settings_.mutual()) ChallengeBack(identifier, challenge, &answer);
  return answer;
}

void ChapInitiator::ChallengeBack(uint8_t identifier, const std::string& challenge,
                                  std::vector<v1::KeyValue>* answer) {
  const v1::ChapDeviation deviation = settings_.deviation();
  own_identifier_ = static_cast<uint8_t>(random_.Next());
  if (deviation == v1::CHAP_CHALLENGE_REFLECTED) {
    own_identifier_ = identifier;
    own_challenge_ = challenge;
  } else {
    const size_t length = deviation == v1::CHAP_CHALLENGE_TOO_LONG  ? kMaxChapBinary + 1
                          : deviation == v1::CHAP_CHALLENGE_LONGEST ? kMaxChapBinary
                                                                    : kOwnChallengeLength;
    own_challenge_.clear();
    while (own_challenge_.size() < length) {
      own_challenge_ += static_cast<char>(random_.Next());
    }
  }
  if (deviation == v1::CHAP_IDENTIFIER_TOO_LARGE) {
    answer->push_back(Key("CHAP_I", "256"));
  } else if (deviation != v1::CHAP_IDENTIFIER_ABSENT) {
    answer->push_back(Key("CHAP_I", absl::StrCat(own_identifier_)));
  }
  if (deviation == v1::CHAP_CHALLENGE_EMPTY) {
    answer->push_back(Key("CHAP_C", "0x"));
  } else if (deviation != v1::CHAP_CHALLENGE_ABSENT) {
    answer->push_back(Key("CHAP_C", EncodeBinary(own_challenge_, settings_.base64())));
  }
}

absl::Status ChapInitiator::Prove(const v1::KeyList& keys) {
  const std::string* name = FindKey(keys, "CHAP_N");
  const std::string* response = FindKey(keys, "CHAP_R");
  if (name == nullptr || response == nullptr) {
    return Breach("CHAP_N and CHAP_R are due from a target that was challenged");
  }
  if (!credentials_.mutual_user.empty() && *name != credentials_.mutual_user) {
    return Breach("CHAP_N=" + *name + " is not the target's name for CHAP");
  }
  const auto bytes = DecodeBinary(*response);
  if (!bytes || *bytes != ChapResponse(algorithm_, own_identifier_, credentials_.mutual_secret,
                                       own_challenge_)) {
    return Breach("the target's CHAP_R doesn't prove that it knows the mutual secret");
  }
  proven_ = true;
  return absl::OkStatus();
}

}  // namespace pushpull::initiator_sim
