// CHAP's arithmetic (RFC 1994 §4.1, RFC 7143 §12.1.3).

#ifndef TARGET_LOGIN_CHAP_H_
#define TARGET_LOGIN_CHAP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace pushpull::target {

// Numbers of IANA's registry of PPP authentication algorithms.
enum class ChapAlgorithm : uint8_t { kMd5 = 5, kSha1 = 6, kSha256 = 7, kSha3_256 = 8 };
inline constexpr std::array kChapAlgorithms = {ChapAlgorithm::kMd5, ChapAlgorithm::kSha1,
                                               ChapAlgorithm::kSha256, ChapAlgorithm::kSha3_256};
std::optional<ChapAlgorithm> FindChapAlgorithm(uint64_t number);

// Bytes of CHAP_C and CHAP_R at the most (RFC 7143 §12.1.3), and of CHAP_N (§6.1).
inline constexpr size_t kMaxChapBinary = 1024;
inline constexpr size_t kMaxChapName = 255;
// 96 bits: a secret of less needs IPsec around it (RFC 7143 §9.2.1).
inline constexpr size_t kLeastSecretBytes = 12;

// Hash(identifier | secret | challenge). Nothing where the system's OpenSSL doesn't have the
// algorithm (MD5, where it is set up for FIPS 140).
std::optional<std::vector<uint8_t>> ChapResponse(ChapAlgorithm algorithm, uint8_t identifier,
                                                 std::string_view secret, base::Bytes challenge);

// In a time that depends on the lengths alone.
bool SameBytes(base::Bytes a, base::Bytes b);

// What CHAP proves to know. Copies share the one place that holds it, which is wiped at its end;
// nothing prints it.
class ChapSecret {
 public:
  ChapSecret() : ChapSecret(std::string()) {}
  explicit ChapSecret(std::string bytes);

  std::string_view Reveal() const { return *bytes_; }
  size_t size() const { return bytes_->size(); }
  bool Equals(const ChapSecret& other) const;

 private:
  std::shared_ptr<const std::string> bytes_;
};

// Fills with bytes that nobody can foretell; false where there are none to be had. From any thread.
using Entropy = std::function<bool(std::span<uint8_t> bytes)>;
// The system's generator.
Entropy SystemEntropy();
// For runs that are their seed.
Entropy SeededEntropy(uint64_t seed);

}  // namespace pushpull::target

#endif  // TARGET_LOGIN_CHAP_H_
