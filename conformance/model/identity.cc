// INQUIRY with its vital product data, REPORT LUNS. (SPC-4 §6.6, §6.33, §7.8; SBC-3 §6.6)

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "conformance/model/families.h"
#include "conformance/model/turn.h"

namespace pushpull::conformance::model {
namespace {

uint8_t PeripheralOf(const Turn& turn) {
  if (turn.unit != nullptr) return 0x00;
  return turn.well_known ? 0x1e : 0x7f;
}

// What it says of features and versions is its own matter; its form isn't.
void StandardData(Turn& turn, uint64_t allocation) {
  std::vector<uint8_t> data(96);
  std::vector<uint8_t> varies(96, 0xff);
  data[0] = PeripheralOf(turn);
  data[2] = 0x06;  // SPC-4
  data[3] = 0x02;  // response data format
  data[4] = 91;
  varies[0] = varies[1] = varies[2] = varies[4] = 0;
  varies[3] = 0x10;  // HISUP
  if (turn.unit != nullptr) {
    data[7] = 0x02;  // CMDQUE
    varies[7] = 0xfd;
  }
  turn.Answer(std::move(data), allocation, std::move(varies));
}

void BlockLimits(const UnitTraits& traits, std::vector<uint8_t>* data) {
  Append(data, 0, 1);
  Append(data, 0xff, 1);  // of COMPARE AND WRITE
  Append(data, traits.BlocksOf(traits.transfer_granularity_bytes), 2);
  Append(data, traits.BlocksOf(traits.max_transfer_bytes), 4);
  Append(data, traits.BlocksOf(traits.optimal_transfer_bytes), 4);
  Append(data, 0, 4);
  Append(data, traits.thin ? traits.BlocksOf(traits.max_unmap_bytes) : 0, 4);
  Append(data, traits.thin ? traits.max_unmap_ranges : 0, 4);
  const uint32_t granularity = std::max(traits.BlocksOf(traits.unmap_granularity_bytes), 1u);
  Append(data, traits.thin ? granularity : 0, 4);
  Append(data, traits.thin ? 0x8000'0000 | traits.lowest_aligned_lba : 0, 4);  // UGAVALID
  Append(data, traits.BlocksOf(traits.max_write_same_bytes), 8);
  Append(data, traits.atomic_writes ? traits.BlocksOf(traits.max_transfer_bytes) : 0, 4);
  data->resize(64);
}

void VitalProductData(Turn& turn, uint64_t allocation) {
  const uint8_t page = turn.cdb[2];
  std::vector<uint8_t> data = {PeripheralOf(turn), page, 0, 0};
  std::vector<uint8_t> varies;
  if (page == 0x83 && (turn.unit != nullptr || turn.well_known)) {
    turn.Answer({data[0], page}, allocation);
    turn.expected.more_may_follow = true;
    return;
  }
  if (page == 0x00 && turn.unit == nullptr) {
    data.push_back(0x00);
    if (turn.well_known) data.push_back(0x83);
  } else if (turn.unit == nullptr) {
    return turn.Fault(kBadCdb);
  } else if (page == 0x00) {
    data.insert(data.end(), {0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2});
  } else if (page == 0x80) {
    const std::string& serial = turn.unit->traits.serial;
    data.insert(data.end(), serial.begin(), serial.end());
  } else if (page == 0x86 || page == 0xb1) {
    data.resize(64);
    varies.assign(64, 0xff);
    std::fill_n(varies.begin(), 4, uint8_t{0});
  } else if (page == 0xb0) {
    BlockLimits(turn.unit->traits, &data);
  } else if (page == 0xb2) {
    const bool thin = turn.unit->traits.thin;
    data.insert(data.end(), {0, static_cast<uint8_t>(thin ? 0xe4 : 0), 0, 0});
    data[6] = thin ? 2 : 0;
  } else {
    return turn.Fault(kBadCdb);
  }
  Put(&data, 2, data.size() - 4, 2);
  turn.Answer(std::move(data), allocation, std::move(varies));
}

}  // namespace

void Inquiry(Turn& turn) {
  const bool vital = turn.Bit(1, 0);
  const uint64_t allocation = turn.Field(3, 2);
  if (!vital && turn.cdb[2] != 0) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  if (vital) return VitalProductData(turn, allocation);
  StandardData(turn, allocation);
}

void ReportLuns(Turn& turn) {
  const uint8_t select = turn.cdb[2];
  if (select > 2) turn.Fault(kBadCdb);
  if (turn.failed()) return;
  std::vector<uint8_t> data(8);
  if (select != 0) Append(&data, 0xc101'0000'0000'0000, 8);
  if (select != 1) {
    for (const Unit& unit : *turn.units) {
      const uint64_t number = unit.traits.number;
      Append(&data, (number < 256 ? number : 0x4000 | number) << 48, 8);
    }
  }
  Put(&data, 0, data.size() - 8, 4);
  turn.Answer(std::move(data), turn.Field(6, 4));
}

}  // namespace pushpull::conformance::model
