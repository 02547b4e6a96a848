// PERSISTENT RESERVE IN (SPC-4 §6.15), and TransportIDs (SPC-4 §7.6.4.6).

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

constexpr char kSeparator[] = ",i,0x";

// The target's only port.
constexpr uint16_t kRelativePort = 1;

void AddFullStatus(Persistent& persistent, std::vector<uint8_t>* data) {
  for (const Registration& registration : persistent.registrations) {
    const bool holds = persistent.Holds(registration.port);
    Append(data, registration.key, 8);
    Append(data, 0, 4);
    Append(data, (registration.all_target_ports ? 2 : 0) | (holds ? 1 : 0), 1);
    Append(data, holds ? persistent.type : 0, 1);
    Append(data, 0, 4);
    Append(data, kRelativePort, 2);
    const std::vector<uint8_t> id = TransportId(registration.port);
    Append(data, id.size(), 4);
    data->insert(data->end(), id.begin(), id.end());
  }
}

}  // namespace

std::vector<uint8_t> TransportId(const Port& port) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name = port.name + kSeparator;
  for (const uint8_t byte : port.isid) {
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  // It ends with a zero, and is padded to a multiple of four, 20 at least.
  name.resize(std::max<size_t>((name.size() + 4) / 4 * 4, 20));
  std::vector<uint8_t> id = {0x45, 0};  // with an initiator session identifier, iSCSI
  Append(&id, name.size(), 2);
  id.insert(id.end(), name.begin(), name.end());
  return id;
}

bool ParseTransportId(const std::vector<uint8_t>& list, size_t at, Port* port, size_t* bytes) {
  if (list.size() - at < 4 || list[at] != 0x45) return false;
  const uint64_t length = Number(list, at + 2, 2);
  if (length < 20 || length % 4 != 0 || list.size() - at - 4 < length) return false;
  std::string text(list.begin() + static_cast<int64_t>(at + 4),
                   list.begin() + static_cast<int64_t>(at + 4 + length));
  *bytes = 4 + length;
  if (text.find('\0') == std::string::npos) return false;
  text.resize(text.find('\0'));
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const size_t separator = text.find(kSeparator);
  if (separator == std::string::npos || separator == 0 || separator > 223) return false;
  port->name = text.substr(0, separator);
  const std::string digits = text.substr(separator + sizeof kSeparator - 1);
  if (digits.size() != 12) return false;
  for (size_t i = 0; i < 12; ++i) {
    if (std::isxdigit(static_cast<unsigned char>(digits[i])) == 0) return false;
  }
  for (size_t i = 0; i < 6; ++i) {
    port->isid[i] = static_cast<uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
  }
  return true;
}

void PersistentReserveIn(Turn& turn) {
  if (turn.failed()) return;
  Persistent& persistent = turn.unit->persistent;
  const uint64_t allocation = turn.Field(7, 2);
  std::vector<uint8_t> data;
  switch (turn.cdb[1] & 0x1f) {
    case 0x02:  // REPORT CAPABILITIES
      // CRH, SIP_C, ATP_C; TMV, ALLOW COMMANDS; the six types.
      return turn.Answer({0, 8, 0x1c, 0x90, 0xea, 0x01, 0, 0}, allocation);
    case 0x00:
      for (const Registration& each : persistent.registrations) Append(&data, each.key, 8);
      break;
    case 0x01:
      if (persistent.type == 0) break;
      Append(&data, persistent.IsForAll() ? 0 : persistent.Find(persistent.holder)->key, 8);
      Append(&data, 0, 5);
      Append(&data, persistent.type, 1);
      Append(&data, 0, 2);
      break;
    default:
      AddFullStatus(persistent, &data);
      break;
  }
  std::vector<uint8_t> all;
  Append(&all, persistent.generation, 4);
  Append(&all, data.size(), 4);
  all.insert(all.end(), data.begin(), data.end());
  turn.Answer(std::move(all), allocation);
}

}  // namespace pushpull::conformance::model
