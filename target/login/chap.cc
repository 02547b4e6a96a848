#include "target/login/chap.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/random.h"

namespace pushpull::target {
namespace {

const EVP_MD* DigestOf(ChapAlgorithm algorithm) {
  switch (algorithm) {
    case ChapAlgorithm::kMd5:
      return EVP_md5();
    case ChapAlgorithm::kSha1:
      return EVP_sha1();
    case ChapAlgorithm::kSha256:
      return EVP_sha256();
    case ChapAlgorithm::kSha3_256:
      return EVP_sha3_256();
  }
  return nullptr;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::optional<ChapAlgorithm> FindChapAlgorithm(uint64_t number) {
  for (const ChapAlgorithm algorithm : kChapAlgorithms) {
    if (static_cast<uint64_t>(algorithm) == number) return algorithm;
  }
  return std::nullopt;
}

std::optional<std::vector<uint8_t>> ChapResponse(ChapAlgorithm algorithm, uint8_t identifier,
                                                 std::string_view secret, base::Bytes challenge) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (context == nullptr || EVP_DigestInit_ex(context.get(), DigestOf(algorithm), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), &identifier, 1) != 1 ||
      EVP_DigestUpdate(context.get(), secret.data(), secret.size()) != 1 ||
      EVP_DigestUpdate(context.get(), challenge.data(), challenge.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1) {
    return std::nullopt;
  }
  return std::vector<uint8_t>(digest.begin(), digest.begin() + size);
}

bool SameBytes(base::Bytes a, base::Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

ChapSecret::ChapSecret(std::string bytes)
    : bytes_(new std::string(std::move(bytes)), [](std::string* held) {
        OPENSSL_cleanse(held->data(), held->size());
        delete held;
      }) {}

bool ChapSecret::Equals(const ChapSecret& other) const {
  return SameBytes(base::AsBytes(Reveal()), base::AsBytes(other.Reveal()));
}

Entropy SystemEntropy() {
  return [](std::span<uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(got));
    }
    return true;
  };
}

Entropy SeededEntropy(uint64_t seed) {
  struct State {
    explicit State(uint64_t seed) : random(seed) {}
    std::mutex mutex;
    base::Random random;
  };
  return [state = std::make_shared<State>(seed)](std::span<uint8_t> bytes) {
    const std::lock_guard lock(state->mutex);
    std::generate(bytes.begin(), bytes.end(),
                  [&] { return static_cast<uint8_t>(state->random.Next()); });
    return true;
  };
}

}  // namespace pushpull::target
