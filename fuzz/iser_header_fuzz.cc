// The iSER header (RFC 7145 §9) of any message: what the target takes the initiator's codec reads
// alike, and the target writes it back the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/bytes.h"
#include "base/check.h"
#include "initiator_sim/iser/header.h"
#include "target/iser/header.h"

namespace pushpull {
namespace {

void Check(base::Bytes message) {
  const initiator_sim::DecodedIserHeader read = initiator_sim::DecodeIserHeader(message);
  const auto taken = target::ParseIserHeader(message);
  if (!taken.ok()) return;
  CHECK(read.flaw.empty()) << read.flaw;
  const auto* const control = std::get_if<target::IserControl>(&*taken);
  const auto* const other = std::get_if<initiator_sim::ControlHeader>(&read.header);
  CHECK_EQ(control != nullptr, other != nullptr);
  if (control == nullptr) return;
  CHECK_EQ(control->write.has_value(), other->write_stag_valid);
  CHECK_EQ(control->read.has_value(), other->read_stag_valid);
  if (control->write.has_value()) CHECK_EQ(control->write->stag, other->write.stag);
  if (control->read.has_value()) CHECK_EQ(control->read->base_offset, other->read.base_offset);
  const target::IserHeaderBytes again = target::BuildIserHeader(*control);
  CHECK(*target::ParseIserHeader(again) == *taken);
}

}  // namespace
}  // namespace pushpull

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::Check({data, size});
  return 0;
}
