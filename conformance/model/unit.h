// The state of one logical unit, as plain as can be.

#ifndef CONFORMANCE_MODEL_UNIT_H_
#define CONFORMANCE_MODEL_UNIT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "conformance/model/sense.h"
#include "conformance/model/traits.h"

namespace pushpull::conformance::model {

struct Registration {
  Port port;
  uint64_t key = 0;
  bool all_target_ports = false;
};

// SPC-4 §5.12.
struct Persistent {
  uint32_t generation = 0;
  std::vector<Registration> registrations;  // in the order in which they came
  uint8_t type = 0;                         // 0: nothing is reserved
  Port holder;                              // but for the types of all registrants

  Registration* Find(const Port& port) {
    for (Registration& registration : registrations) {
      if (registration.port == port) return &registration;
    }
    return nullptr;
  }
  bool IsForAll() const { return type == 7 || type == 8; }
  bool IsForRegistrants() const { return type >= 5; }
  bool IsExclusiveAccess() const { return type == 3 || type == 6 || type == 8; }
  bool Holds(const Port& port) {
    if (type == 0) return false;
    return IsForAll() ? Find(port) != nullptr : holder == port;
  }
};

// What is told of an EXTENDED COPY that has ended (SPC-4 §6.24).
struct CopyResult {
  size_t nexus = 0;
  uint8_t list_id = 0;
  uint16_t segments = 0;
  uint64_t bytes = 0;
};

struct Unit {
  explicit Unit(UnitTraits what)
      : traits(std::move(what)),
        bytes(traits.blocks * traits.block_size),
        mapped(traits.blocks, !traits.thin) {
    for (size_t at = 0; traits.addresses && at < bytes.size(); ++at) {
      bytes[at] = static_cast<uint8_t>((at & ~size_t{7}) >> (8 * (7 - at % 8)));
    }
    Reset();
  }

  // What a reset takes back (SAM-5 §6.3.3).
  void Reset() {
    stopped = descriptor_sense = software_write_protect = false;
    write_cache = traits.volatile_cache;
    reserved_by.reset();
    copies.clear();
  }

  UnitTraits traits;
  std::vector<uint8_t> bytes;
  std::vector<bool> mapped;  // by block

  bool stopped = false;
  bool descriptor_sense = false;        // D_SENSE
  bool software_write_protect = false;  // SWP
  bool write_cache = false;             // WCE

  bool sanitizing = false;  // by a SANITIZE that was answered at once

  std::optional<size_t> reserved_by;  // the nexus, by RESERVE (6)
  Persistent persistent;
  std::vector<CopyResult> copies;  // the oldest first

  void ForgetCopy(size_t nexus, uint8_t list_id) {
    std::erase_if(copies, [&](const CopyResult& copy) {
      return copy.nexus == nexus && copy.list_id == list_id;
    });
  }
  bool IsProtected() const { return traits.read_only || software_write_protect; }

  // Pending unit attentions of each nexus that is there, the oldest first.
  std::map<size_t, std::vector<Sense>> attentions;

  void Tell(size_t nexus, const Sense& attention) {
    const auto found = attentions.find(nexus);
    if (found == attentions.end()) return;
    std::vector<Sense>& pending = found->second;
    const bool reset = attention.code == 0x29;
    // SAM-5 §5.14.4: a reset takes the place of what was before it; power on says all.
    if (reset && !pending.empty() && pending.front() == kPowerOn) return;
    if (std::find(pending.begin(), pending.end(), attention) != pending.end()) return;
    if (reset) pending.clear();
    pending.push_back(attention);
  }
  void TellOthers(size_t nexus, const Sense& attention) {
    for (const auto& [other, pending] : attentions) {
      if (other != nexus) Tell(other, attention);
    }
  }
};

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_UNIT_H_
