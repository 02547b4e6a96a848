#include "target/pdu/ahs.h"

namespace pushpull::target {
namespace {

constexpr size_t kAhsFixedBytes = 3;  // AHSLength and AHSType

}  // namespace

std::variant<std::monostate, Ahs, ProtocolError> AhsReader::Next() {
  if (rest_.empty()) return std::monostate{};
  constexpr ProtocolError kBadLength{Reason::kMalformedAhs, "RFC 7143 §11.2.2.2",
                                     Action::kCloseSession};
  if (rest_.size() < kAhsFixedBytes) {
    rest_ = {};
    return kBadLength;
  }
  Ahs ahs;
  ahs.length = base::LoadBe16(rest_.data());
  ahs.type = rest_[2];
  const size_t padded = (kAhsFixedBytes + ahs.length + 3) & ~size_t{3};
  if (padded > rest_.size()) {
    rest_ = {};
    return kBadLength;
  }
  ahs.specific = rest_.subspan(kAhsFixedBytes, ahs.length);
  rest_ = rest_.subspan(padded);
  return ahs;
}

std::variant<CommandAhs, ProtocolError> ReadCommandAhs(base::Bytes bytes) {
  CommandAhs result;
  AhsReader reader(bytes);
  while (true) {
    const auto next = reader.Next();
    if (std::holds_alternative<std::monostate>(next)) return result;
    if (const auto* error = std::get_if<ProtocolError>(&next)) return *error;
    const Ahs& ahs = std::get<Ahs>(next);
    switch (ahs.code()) {
      case kAhsExtendedCdb:
        // One reserved byte, then at least one byte of CDB: a CDB of up to 16 bytes must not use
        // it.
        if (ahs.length < 2 || !result.extended_cdb.empty()) {
          return ProtocolError{Reason::kMalformedAhs, "RFC 7143 §11.2.2.3", Action::kCloseSession};
        }
        result.extended_cdb = ahs.specific.subspan(1);
        break;
      case kAhsBidirectionalReadLength:
        if (ahs.length != 5 || result.bidirectional_read_expected_data_transfer_length) {
          return ProtocolError{Reason::kMalformedAhs, "RFC 7143 §11.2.2.4", Action::kCloseSession};
        }
        result.bidirectional_read_expected_data_transfer_length =
            base::LoadBe32(ahs.specific.data() + 1);
        break;
      default:
        return ProtocolError{Reason::kReservedValue, "RFC 7143 §11.2.2.1", Action::kReject};
    }
  }
}

}  // namespace pushpull::target
