// Scenario files of any text: told what is wrong with line and rule, or read; what was read and
// written in another form reads the same.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "conformance/scenario/lint.h"
#include "conformance/scenario/scenario_file.h"
#include "conformance/scenario/scenario_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace conformance = pushpull::conformance;
  const std::string_view text = pushpull::base::AsText({data, size});
  const auto file = conformance::ParseScenario(text, "input.textproto");
  if (!file.ok()) {
    CHECK(file.status().message().find("input.textproto") != std::string_view::npos);
    return 0;
  }
  for (const conformance::LintError& error : conformance::Lint(*file, {})) {
    CHECK(!error.rule.empty() && !error.message.empty());
  }
  const auto format = conformance::FormatOfPath("again.binpb");
  const auto bytes = conformance::WriteScenarioAs(*format, file->scenario);
  CHECK(bytes.ok());
  const auto again = conformance::ParseScenarioAs(*format, *bytes, "again.binpb");
  CHECK(again.ok());
  CHECK(again->SerializeAsString() == file->scenario.SerializeAsString());
  return 0;
}
