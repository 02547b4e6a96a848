// What the initiator sends doesn't arrive as it was sent, so that a sound target behaves wrongly.

#include "absl/strings/str_cat.h"
#include "tools/faults/fault.h"
#include "tools/faults/kinds.h"

namespace pushpull::faults {
namespace {

Fault Of(PduKind kind, const std::string& what,
         std::function<std::optional<Outcome>(Passing*, const Image&)> plant) {
  Fault fault;
  fault.name = absl::StrCat(NameOfKind(kind), ":", what);
  fault.direction = Direction::kToTarget;
  fault.plant = [kind, plant = std::move(plant)](Passing* passing,
                                                 const Image& pdu) -> std::optional<Outcome> {
    return pdu.kind() == kind ? plant(passing, pdu) : std::nullopt;
  };
  return fault;
}

}  // namespace

std::vector<Fault> RequestFaults() {
  std::vector<Fault> faults;
  for (const PduKind kind : kRequests) {
    faults.push_back(Of(kind, "swallowed", [](Passing*, const Image&) { return Outcome(); }));
    faults.push_back(Of(kind, "arrives_twice", [](Passing*, const Image& pdu) {
      Outcome outcome;
      outcome.now = {pdu, pdu};
      return outcome;
    }));
    faults.push_back(Of(kind, "data_changed_on_the_way",
                        [](Passing*, const Image& pdu) -> std::optional<Outcome> {
                          if (pdu.data.empty()) return std::nullopt;
                          Image image = pdu;
                          image.data[0] = static_cast<char>(image.data[0] ^ 0x20);
                          return Only(image);
                        }));
    const initiator_sim::Field* lun = FindField(kind, "lun_bytes");
    if (lun == nullptr) continue;
    faults.push_back(Of(kind, "lun_changed_on_the_way", [lun](Passing*, const Image& pdu) {
      Image image = pdu;
      image.Set(*lun, image.Get(*lun) ^ (uint64_t{1} << 48));
      return Only(image);
    }));
  }
  return faults;
}

}  // namespace pushpull::faults
