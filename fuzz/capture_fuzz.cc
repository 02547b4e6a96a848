// Captures of any bytes: read, judged, and told.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "conformance/capture/capture.h"
#include "conformance/capture/lint_capture.h"
#include "conformance/capture/session_trace.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace conformance = pushpull::conformance;
  const auto capture = conformance::ReadCapture({data, size}, {.max_bytes = size_t{16} << 20});
  if (!capture.ok()) {
    CHECK(!capture.status().message().empty());
    return 0;
  }
  (void)conformance::ToText(conformance::LintCapture(*capture), "input");
  for (const auto& connection : capture->connections) (void)conformance::TraceSession(connection);
  return 0;
}
