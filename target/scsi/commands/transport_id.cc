#include "target/scsi/commands/transport_id.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "base/hex.h"
#include "base/text.h"
#include "target/scsi/commands/fields.h"

namespace pushpull::target::commands {
namespace {

constexpr uint8_t kPortFormat = 0x45;  // FORMAT CODE 01b, iSCSI
constexpr size_t kHeader = 4;
constexpr size_t kLeastNameBytes = 20;
constexpr size_t kMaxIscsiName = 223;  // RFC 7143 §4.2.7.1
constexpr size_t kIsidDigits = 12;
constexpr std::string_view kSeparator = ",i,0x";

// "NAME,i,0xISID", up to its zero.
std::optional<NexusId> ParsePortName(std::string_view text) {
  const size_t end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string name = absl::AsciiStrToLower(base::ToAbsl(text.substr(0, end)));
  const size_t separator = name.find(kSeparator);
  if (separator == std::string::npos || separator == 0 || separator > kMaxIscsiName) {
    return std::nullopt;
  }
  const std::string digits = name.substr(separator + kSeparator.size());
  const bool all_hex = std::ranges::all_of(digits, [](char c) { return absl::ascii_isxdigit(c); });
  if (digits.size() != kIsidDigits || !all_hex) return std::nullopt;
  const auto isid = base::ParseHex(digits);
  if (!isid.has_value()) return std::nullopt;
  NexusId nexus;
  nexus.initiator_name = name.substr(0, separator);
  std::ranges::copy(*isid, nexus.isid.begin());
  return nexus;
}

}  // namespace

void AddTransportId(const NexusId& nexus, ParameterData* data) {
  std::string name = nexus.initiator_name;
  name += kSeparator;
  name += base::Hex(nexus.isid);
  name += '\0';
  const size_t pad = (4 - name.size() % 4) % 4;
  name.append(std::max(name.size() + pad, kLeastNameBytes) - name.size(), '\0');
  data->Add8(kPortFormat);
  data->Add8(0);
  data->Add16(static_cast<uint16_t>(name.size()));
  data->Add(base::AsBytes(name));
}

base::Result<TransportId, Sense> ParseTransportId(base::Bytes list, size_t at) {
  const base::Bytes rest = list.subspan(at);
  const auto wrong = [at](size_t byte) {
    return InvalidParameter(static_cast<uint16_t>(at + byte));
  };
  if (rest.size() < kHeader) return sense::kParameterListLengthError;
  if (rest[0] != kPortFormat) return wrong(0);
  const size_t length = base::LoadBe16(&rest[2]);
  if (length < kLeastNameBytes || length % 4 != 0) return wrong(2);
  if (rest.size() < kHeader + length) return sense::kParameterListLengthError;
  const auto nexus = ParsePortName(base::AsText(rest.subspan(kHeader, length)));
  if (!nexus.has_value()) return wrong(kHeader);
  return TransportId{*nexus, kHeader + length};
}

}  // namespace pushpull::target::commands
