// Text keys (RFC 7143 §6.1): the target takes any text apart within its bounds, and both sides read
// numbers alike.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "initiator_sim/session/keys.h"
#include "target/negotiation/text.h"
#include "target/negotiation/values.h"

namespace pushpull {
namespace {

void Check(std::string_view text) {
  const auto pairs = target::ParseText(text);
  if (!pairs.ok()) {
    CHECK(!pairs.error().reason.empty());
    return;
  }
  for (const target::KeyValue& pair : *pairs) {
    CHECK(!pair.key.empty());
    CHECK(pair.key.find('=') == std::string_view::npos);
    CHECK(pair.value.find('\0') == std::string_view::npos);
    CHECK(target::ParseNumber(pair.value) == initiator_sim::ParseNumericalValue(pair.value))
        << pair.value;
    (void)target::ParseRange(pair.value);
    (void)target::ParseBoolean(pair.value);
    const auto binary = target::ParseBinary(pair.value, 1024);
    if (binary.has_value()) {
      CHECK_LE(binary->size(), 1024u);
      CHECK(target::ParseBinary(target::FormatBase64(*binary), 1024) == binary) << pair.value;
      CHECK(target::ParseBinary(target::FormatHex(*binary), 1024) == binary) << pair.value;
    }
    CHECK(!target::IsIscsiName(pair.value) || target::IsUtf8(pair.value)) << pair.value;
    if (const auto* key = initiator_sim::FindKeyInfo(pair.key)) {
      (void)initiator_sim::JudgeAnswer(*key, pair.value, pair.value);
    }
  }
}

}  // namespace
}  // namespace pushpull

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::Check(pushpull::base::AsText({data, size}));
  return 0;
}
