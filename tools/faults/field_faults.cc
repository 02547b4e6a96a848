// Each field of each PDU of the target: other values, by the figures of RFC 7143 §11.

#include <array>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/faults/fault.h"
#include "tools/faults/kinds.h"

namespace pushpull::faults {
namespace {

using initiator_sim::Field;
using v1::Pdu;

using Change = std::function<std::optional<uint64_t>(const Passing&, const Image&, uint64_t)>;

uint64_t Ones(const Field& field) {
  return field.width == 64 ? UINT64_MAX : (uint64_t{1} << field.width) - 1;
}

Fault ChangeOf(PduKind kind, const Field& field, const std::string& how, Change change) {
  Fault fault;
  fault.name = absl::StrCat(NameOfKind(kind), ".", NameOfField(kind, field), how);
  fault.kind = kind;
  fault.plant = [kind, field, change = std::move(change)](
                    Passing* passing, const Image& pdu) -> std::optional<Outcome> {
    if (pdu.kind() != kind) return std::nullopt;
    const uint64_t before = pdu.Get(field);
    const std::optional<uint64_t> after = change(*passing, pdu, before);
    if (!after.has_value() || (*after & Ones(field)) == before) return std::nullopt;
    Outcome outcome;
    outcome.now.push_back(pdu);
    outcome.now[0].Set(field, *after);
    return outcome;
  };
  return fault;
}

Change Constant(uint64_t value) {
  return [value](const Passing&, const Image&, uint64_t) { return value; };
}

// Bytes and what is narrower name something.
constexpr uint64_t kCodes[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05,        0x07, 0x08,
                               0x0b, 0x0d, 0x10, 0x18, 0x28, uint8_t{64}, 0x80, 0xff};

void AddCodes(PduKind kind, const Field& field, std::vector<Fault>* faults) {
  for (const uint64_t code : kCodes) {
    if (code > Ones(field)) continue;
    const int digits = field.width < 8 ? 1 : 2;
    faults->push_back(
        ChangeOf(kind, field, absl::StrFormat("=0x%0*x", digits, code), Constant(code)));
  }
}

void AddNumbers(PduKind kind, const Field& field, std::vector<Fault>* faults) {
  const auto add = [&](int64_t by) {
    return [by](const Passing&, const Image&, uint64_t value) {
      return std::optional<uint64_t>(value + static_cast<uint64_t>(by));
    };
  };
  faults->push_back(ChangeOf(kind, field, "+1", add(1)));
  faults->push_back(ChangeOf(kind, field, "-1", add(-1)));
  faults->push_back(ChangeOf(kind, field, "+1000", add(1000)));
  faults->push_back(ChangeOf(kind, field, "=0", Constant(0)));
  faults->push_back(ChangeOf(kind, field, "=ones", Constant(Ones(field))));
  const uint64_t top = (Ones(field) >> 1) + 1;
  faults->push_back(
      ChangeOf(kind, field, "^top",
               [top](const Passing&, const Image&, uint64_t value) { return value ^ top; }));
  faults->push_back(ChangeOf(
      kind, field, "=previous",
      [kind, field](const Passing& passing, const Image&, uint64_t) -> std::optional<uint64_t> {
        const auto found = passing.previous.find(kind);
        if (found == passing.previous.end()) return std::nullopt;
        return found->second.Get(field);
      }));
}

void AddTag(PduKind kind, const Field& field, std::vector<Fault>* faults) {
  faults->push_back(
      ChangeOf(kind, field, "=other_task",
               [](const Passing& passing, const Image& pdu, uint64_t) -> std::optional<uint64_t> {
                 return passing.OtherTag(pdu);
               }));
}

// One bit of a byte that no field has.
Fault ReservedBit(PduKind kind, size_t byte, uint8_t bit) {
  Fault fault;
  fault.name = absl::StrFormat("%s.reserved_byte_%d", NameOfKind(kind), byte);
  fault.kind = kind;
  fault.plant = [kind, byte, bit](Passing*, const Image& pdu) -> std::optional<Outcome> {
    if (pdu.kind() != kind) return std::nullopt;
    Outcome outcome;
    outcome.now.push_back(pdu);
    outcome.now[0].bhs[byte] ^= bit;
    return outcome;
  };
  return fault;
}

void AddReserved(PduKind kind, std::vector<Fault>* faults) {
  const initiator_sim::Bhs& mask = initiator_sim::ReservedMask(kind);
  for (size_t i = 0; i < mask.size(); ++i) {
    const auto lowest = static_cast<uint8_t>(mask[i] & -mask[i]);
    if (lowest != 0) faults->push_back(ReservedBit(kind, i, lowest));
  }
}

void AddIsid(std::vector<Fault>* faults) {
  for (size_t byte = 8; byte < 14; ++byte) {
    Fault fault = ReservedBit(Pdu::kLoginResponse, byte, 0x01);
    fault.name = absl::StrCat("login_response.isid_byte_", byte - 8);
    faults->push_back(std::move(fault));
  }
}

void AddOpcodes(PduKind kind, std::vector<Fault>* faults) {
  for (const uint8_t opcode :
       {0x00, 0x01, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x2a, 0x31, 0x32, 0x3c, 0x3f}) {
    if (opcode == initiator_sim::OpcodeOf(kind)) continue;
    Fault fault;
    fault.name = absl::StrFormat("%s.opcode=0x%02x", NameOfKind(kind), opcode);
    fault.kind = kind;
    fault.plant = [kind, opcode](Passing*, const Image& pdu) -> std::optional<Outcome> {
      if (pdu.kind() != kind) return std::nullopt;
      Outcome outcome;
      outcome.now.push_back(pdu);
      outcome.now[0].bhs[0] = static_cast<uint8_t>((pdu.bhs[0] & 0xc0) | opcode);
      return outcome;
    };
    faults->push_back(std::move(fault));
  }
}

}  // namespace

std::vector<Fault> FieldFaults() {
  std::vector<Fault> faults;
  for (const PduKind kind : kAnswers) {
    for (const Field& field : initiator_sim::FieldsOf(kind)) {
      if (field.width == 1) {
        faults.push_back(
            ChangeOf(kind, field, "=flipped",
                     [](const Passing&, const Image&, uint64_t value) { return value ^ 1; }));
      } else if (field.width <= 8) {
        AddCodes(kind, field, &faults);
      } else {
        AddNumbers(kind, field, &faults);
      }
      if (NameOfField(kind, field) == "initiator_task_tag") AddTag(kind, field, &faults);
    }
    AddReserved(kind, &faults);
    AddOpcodes(kind, &faults);
  }
  AddIsid(&faults);
  return faults;
}

}  // namespace pushpull::faults
