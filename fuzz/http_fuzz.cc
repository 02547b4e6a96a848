// Requests to the admin socket: however their bytes come they are read alike, and whatever is
// answered is right HTTP and JSON.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "target/admin/http.h"

namespace pushpull::target {
namespace {

constexpr size_t kMostCuts = 512;

bool Decided(const HttpParsed& parsed) {
  CHECK(!parsed.request.has_value() || !parsed.refusal.has_value());
  return parsed.request.has_value() || parsed.refusal.has_value();
}

void CheckAnswer(const HttpAnswer& answer) {
  CHECK_GE(answer.status, 400);
  CHECK_LT(answer.status, 600);
  const std::string wire = EncodeHttp(answer, true);
  CHECK(wire.starts_with("HTTP/1."));
  CHECK(wire.ends_with(answer.body));
}

// A string of JSON has nothing in it that ends it, or its line.
void CheckQuoted(std::string_view text) {
  const std::string quoted = JsonQuoted(text);
  CHECK_GE(quoted.size(), 2u);
  CHECK(quoted.front() == '"' && quoted.back() == '"');
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    CHECK_GE(static_cast<unsigned char>(quoted[i]), 0x20u);
    CHECK(quoted[i] != '"');
    if (quoted[i] != '\\') continue;
    ++i;
    CHECK_LT(i + 1, quoted.size());
  }
}

void Check(std::string_view bytes) {
  CheckQuoted(bytes);
  const HttpParsed whole = ParseHttp(bytes);
  const bool decided = Decided(whole);
  if (whole.refusal.has_value()) CheckAnswer(*whole.refusal);
  if (whole.request.has_value()) CHECK(!whole.request->method.empty());
  if (!decided) CHECK_LE(bytes.size(), kMaxHttpHead + kMaxHttpBody);
  // What a server would have done with less of it, which it can't take back.
  for (size_t size = 0; size < std::min(bytes.size(), kMostCuts); ++size) {
    const HttpParsed part = ParseHttp(bytes.substr(0, size));
    if (!Decided(part)) continue;
    CHECK(decided);
    if (!part.request.has_value() || !whole.request.has_value()) continue;
    CHECK_EQ(part.request->method, whole.request->method);
    CHECK_EQ(part.request->path, whole.request->path);
    CHECK(part.request->parameters == whole.request->parameters);
  }
}

}  // namespace
}  // namespace pushpull::target

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::target::Check(pushpull::base::AsText({data, size}));
  return 0;
}
