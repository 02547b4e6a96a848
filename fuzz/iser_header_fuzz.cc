// The iSER header (RFC 7145 §9) of any message: what the target takes the initiator's codec reads
// alike, and both write it back the same.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "base/check.h"
#include "initiator_sim/iser/header.h"
#include "target/iser/header.h"

namespace pushpull {
namespace {

// What one side reads of a header is what the other does, and each writes what the other reads.
bool Same(const target::IserControl& t, const initiator_sim::ControlHeader& i) {
  const auto same = [](const std::optional<target::IserBuffer>& a, bool valid,
                       const initiator_sim::Advertised& b) {
    if (!a.has_value()) return !valid;
    return valid && a->stag == b.stag && a->base_offset == b.base_offset;
  };
  return same(t.write, i.write_stag_valid, i.write) && same(t.read, i.read_stag_valid, i.read);
}

bool Same(const target::IserHello& t, const initiator_sim::HelloHeader& i) {
  return t.max_version == i.max_version && t.min_version == i.min_version && t.ird == i.iser_ird;
}

bool Same(const target::IserHelloReply& t, const initiator_sim::HelloReplyHeader& i) {
  return t.reject == i.reject && t.max_version == i.max_version &&
         t.current_version == i.cur_version && t.ord == i.iser_ord;
}

template <typename Target, typename Initiator>
void CheckKind(const target::IserHeader& taken, const initiator_sim::DecodedIserHeader& read) {
  const auto* const t = std::get_if<Target>(&taken);
  const auto* const i = std::get_if<Initiator>(&read.header);
  CHECK_EQ(t != nullptr, i != nullptr);
  if (t == nullptr) return;
  CHECK(Same(*t, *i));
  const target::IserHeaderBytes theirs = target::BuildIserHeader(*t);
  CHECK(*target::ParseIserHeader(theirs) == taken);
  const auto again = initiator_sim::DecodeIserHeader(theirs);
  CHECK(again.flaw.empty() && !again.reserved_set);
  CHECK(Same(*t, std::get<Initiator>(again.header)));
  CHECK(theirs == initiator_sim::EncodeIserHeader(*i));
}

void Check(base::Bytes message) {
  const initiator_sim::DecodedIserHeader read = initiator_sim::DecodeIserHeader(message);
  const auto taken = target::ParseIserHeader(message);
  if (!taken.ok()) return;
  CHECK(read.flaw.empty()) << read.flaw;
  CheckKind<target::IserControl, initiator_sim::ControlHeader>(*taken, read);
  CheckKind<target::IserHello, initiator_sim::HelloHeader>(*taken, read);
  CheckKind<target::IserHelloReply, initiator_sim::HelloReplyHeader>(*taken, read);
}

}  // namespace
}  // namespace pushpull

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::Check({data, size});
  return 0;
}
