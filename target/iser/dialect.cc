#include "target/iser/dialect.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/check.h"
#include "target/iser/header.h"

namespace pushpull::target {
namespace {

constexpr std::array kReadings = {
    IserReadings{.dialect = IserDialect::kRfc7145,
                 .name = "rfc7145",
                 .login_header = LoginHeader::kAbsent,
                 .write_base = WriteBase::kDeclared,
                 .send_limit = SendLimit::kNegotiated,
                 .hello = HelloUse::kDeclared,
                 .min_hello_version = kIserVersion,
                 .max_hello_version = kIserVersion},
    IserReadings{.dialect = IserDialect::kLinux,
                 .name = "linux",
                 .login_header = LoginHeader::kPresent,
                 .write_base = WriteBase::kSolicitedOnly,
                 .send_limit = SendLimit::kLinuxReceives,
                 .hello = HelloUse::kNever,
                 .min_hello_version = kIserVersion,
                 .max_hello_version = kIserVersion},
    // Appendix B draws a Hello of version 1.
    IserReadings{.dialect = IserDialect::kPermissive,
                 .name = "permissive",
                 .login_header = LoginHeader::kEither,
                 .write_base = WriteBase::kByPeer,
                 .send_limit = SendLimit::kByPeer,
                 .hello = HelloUse::kAnswered,
                 .min_hello_version = 1,
                 .max_hello_version = kIserVersion},
};

consteval bool InOrder() {
  for (size_t i = 0; i < kReadings.size(); ++i) {
    if (static_cast<size_t>(kReadings[i].dialect) != i) return false;
  }
  return true;
}
static_assert(InOrder(), "a row for each dialect, in the order of IserDialect");

}  // namespace

std::span<const IserReadings> AllIserReadings() { return kReadings; }

const IserReadings& ReadingsOf(IserDialect dialect) {
  const auto index = static_cast<size_t>(dialect);
  CHECK_LT(index, kReadings.size());
  return kReadings[index];
}

std::optional<IserDialect> FindIserDialect(std::string_view name) {
  const auto row = std::find_if(kReadings.begin(), kReadings.end(),
                                [name](const IserReadings& each) { return each.name == name; });
  if (row == kReadings.end()) return std::nullopt;
  return row->dialect;
}

bool HasLoginHeader(const IserReadings& readings, uint8_t first_byte) {
  switch (readings.login_header) {
    case LoginHeader::kAbsent:
      return false;
    case LoginHeader::kPresent:
      return true;
    case LoginHeader::kEither:
      return first_byte >> 4 == 1;
  }
  return true;
}

bool WriteBaseIsSolicited(const IserReadings& readings, bool declared,
                          const IserPrivateData& peer) {
  switch (readings.write_base) {
    case WriteBase::kDeclared:
      return declared;
    case WriteBase::kSolicitedOnly:
      return true;
    case WriteBase::kByPeer:
      return declared || peer.present;
  }
  return declared;
}

uint32_t MaxDataSegmentToSend(const IserReadings& readings, uint32_t negotiated,
                              const IserPrivateData& peer) {
  const bool linux_receives = readings.send_limit == SendLimit::kLinuxReceives ||
                              (readings.send_limit == SendLimit::kByPeer && peer.present);
  return linux_receives ? std::min(negotiated, kLinuxDataSegmentBytes) : negotiated;
}

HelloVerdict JudgeHello(const IserReadings& readings, std::optional<bool> required) {
  switch (readings.hello) {
    case HelloUse::kDeclared:
      if (!required.has_value()) return HelloVerdict::kAllowed;
      return *required ? HelloVerdict::kDue : HelloVerdict::kError;
    case HelloUse::kNever:
      return HelloVerdict::kError;
    case HelloUse::kAnswered:
      return HelloVerdict::kAllowed;
  }
  return HelloVerdict::kError;
}

}  // namespace pushpull::target
