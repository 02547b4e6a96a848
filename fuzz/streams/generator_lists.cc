// The commands whose data are lists.

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "fuzz/streams/generator.h"

namespace pushpull::streams {
namespace {

namespace model = conformance::model;

}  // namespace

// ---- reservations ------------------------------------------------------------------------------

void Generator::PersistentOut() {
  if (random_.Chance(8)) {
    cdb_ = {static_cast<uint8_t>(random_.Chance(40) ? 0x16 : 0x17), 0, 0, 0, 0, 0};
    return;
  }
  constexpr uint8_t kActions[] = {0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 7, 8};
  constexpr uint8_t kTypes[] = {1, 3, 5, 6, 7, 8};
  const uint8_t action = Pick(kActions);
  uint8_t type = Pick(kTypes);
  if (unit_ != nullptr && action == 2 && random_.Chance(80)) type = unit_->persistent.type;
  if (random_.Chance(3)) type = static_cast<uint8_t>(random_.Next());
  data_.assign(24, 0);
  base::StoreBe64(&data_[0], Key());
  uint64_t second = random_.Below(4);
  if (unit_ != nullptr && (action == 4 || action == 5) && random_.Chance(70)) {
    const auto& all = unit_->persistent.registrations;
    if (!all.empty()) second = Pick(all).key;
  }
  base::StoreBe64(&data_[8], second);
  const model::Port others[] = {Ports()[0], Ports()[1], Ports()[2], {"iqn.a:nobody", {1, 2, 3}}};
  const auto id = [&] {
    const model::Port port = Pick(others);
    std::vector<uint8_t> bytes = {0x45, 0, 0, 0};
    std::string text = port.name + ",i,0x";
    char& one = text[random_.Below(port.name.size())];
    if (random_.Chance(20)) one = static_cast<char>(std::toupper(static_cast<unsigned char>(one)));
    for (const uint8_t byte : port.isid) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789ABCDEF"[byte & 15];
    }
    text.resize(std::max<size_t>((text.size() + 4) / 4 * 4, 20));
    base::StoreBe16(&bytes[2], static_cast<uint16_t>(text.size()));
    bytes.insert(bytes.end(), text.begin(), text.end());
    return bytes;
  };
  if (action == 7) {
    data_[17] = random_.Chance(50) ? 2 : 0;
    data_[19] = 1;
    const std::vector<uint8_t> to = id();
    base::StoreBe32(&data_[20], static_cast<uint32_t>(to.size()));
    data_.insert(data_.end(), to.begin(), to.end());
  } else if (action == 0 && random_.Chance(15)) {
    data_[20] = 0x08;  // SPEC_I_PT
    data_.resize(28);
    for (uint64_t count = random_.Below(3); count-- > 0;) {
      const std::vector<uint8_t> to = id();
      data_.insert(data_.end(), to.begin(), to.end());
    }
    base::StoreBe32(&data_[24], static_cast<uint32_t>(data_.size() - 28));
  } else if (random_.Chance(10)) {
    data_[20] = static_cast<uint8_t>(random_.Chance(80) ? 0x04 : random_.Next());
  }
  cdb_.assign(10, 0);
  cdb_[0] = 0x5f;
  cdb_[1] = action;
  cdb_[2] = type;
  base::StoreBe32(&cdb_[5], static_cast<uint32_t>(data_.size()));
}

void Generator::PersistentIn() {
  cdb_ = {0x5e, static_cast<uint8_t>(random_.Below(random_.Chance(5) ? 32 : 4)), 0, 0, 0, 0, 0};
  cdb_.resize(10);
  base::StoreBe16(&cdb_[7], static_cast<uint16_t>(Allocation(0x400)));
}

// ---- the mode pages ----------------------------------------------------------------------------

std::vector<uint8_t> Generator::ModeList(bool ten) {
  std::vector<uint8_t> list(ten ? 8 : 4);
  if (random_.Chance(25) && unit_ != nullptr) {
    list[ten ? 7 : 3] = 8;
    const size_t at = list.size();
    list.resize(at + 8);
    base::StoreBe32(&list[at],
                    static_cast<uint32_t>(random_.Chance(50) ? unit_->traits.blocks : 0));
    base::StoreBe32(&list[at + 4], unit_->traits.block_size);
  }
  std::vector<uint8_t> page = {0x0a, 0x0a, 0x02, 0x10, 0, 0, 0, 0, 0xff, 0xff, 0, 0};
  const uint64_t dice = random_.Below(10);
  if (dice < 6) {
    page[2] |= random_.Chance(50) ? 0x04 : 0;  // D_SENSE
    page[4] |= random_.Chance(20) ? 0x08 : 0;  // SWP
  } else if (dice < 8) {
    page.assign(20, 0);
    page[0] = 0x08;
    page[1] = 0x12;
    page[2] = random_.Chance(30) ? 0x04 : 0;
  } else {
    page = {0x1c, 0x0a, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  }
  if (random_.Chance(8)) page[1 + random_.Below(page.size() - 1)] ^= 1u << random_.Below(8);
  list.insert(list.end(), page.begin(), page.end());
  if (random_.Chance(5)) list.resize(random_.Below(list.size()));
  return list;
}

void Generator::Mode() {
  const bool ten = random_.Chance(50);
  const bool select = random_.Chance(40);
  cdb_.assign(ten ? 10 : 6, 0);
  const auto set_length = [&](uint64_t length) {
    if (ten) {
      base::StoreBe16(&cdb_[7], static_cast<uint16_t>(length));
    } else {
      cdb_[4] = static_cast<uint8_t>(length);
    }
  };
  if (select) {
    cdb_[0] = ten ? 0x55 : 0x15;
    cdb_[1] = random_.Chance(95) ? 0x10 : static_cast<uint8_t>(random_.Next());
    data_ = ModeList(ten);
    return set_length(data_.size());
  }
  constexpr uint8_t kPages[] = {0x3f, 0x08, 0x0a, 0x01, 0x1c, 0x05};
  constexpr uint8_t kSubpages[] = {0, 0, 0, 1, 0xff, 2};
  cdb_[0] = ten ? 0x5a : 0x1a;
  cdb_[1] = static_cast<uint8_t>((random_.Chance(40) ? 0x08 : 0) |
                                 (ten && random_.Chance(30) ? 0x10 : 0));
  cdb_[2] = static_cast<uint8_t>(random_.Below(random_.Chance(80) ? 3 : 4) << 6 | Pick(kPages));
  cdb_[3] = Pick(kSubpages);
  set_length(Allocation(0xff));
}

// ---- third-party copies, and the end of all data -----------------------------------------------

void Generator::CopyBlocks() {
  const std::vector<model::UnitTraits> units = Units();
  data_.assign(16, 0);
  data_[0] = static_cast<uint8_t>(random_.Below(4));
  const uint64_t usages[] = {0, 0, 0, 2, 3, 1};
  data_[1] = static_cast<uint8_t>(usages[random_.Below(random_.Chance(80) ? 4 : 6)] << 3);
  std::vector<size_t> named;
  for (uint64_t count = 1 + random_.Below(random_.Chance(95) ? 3 : 18); count-- > 0;) {
    // Most often those whose blocks are of one size.
    named.push_back(random_.Below(units.size()));
    if (random_.Chance(60)) named.back() = random_.Chance(60) ? 0 : 3;
    const model::UnitTraits& unit = units[named.back()];
    std::vector<uint8_t> cscd(32);
    const std::string name = unit.vendor + (random_.Chance(97) ? unit.serial : "NOBODY");
    cscd[0] = 0xe4;
    cscd[1] = random_.Chance(3) ? 0x20 : 0;
    cscd[4] = 2;
    cscd[5] = 1;
    cscd[7] = static_cast<uint8_t>(name.size());
    std::copy(name.begin(), name.end(), cscd.begin() + 8);
    if (random_.Chance(50)) base::StoreBe16(&cscd[30], static_cast<uint16_t>(unit.block_size));
    data_.insert(data_.end(), cscd.begin(), cscd.end());
  }
  const size_t cscds = data_.size() - 16;
  for (uint64_t count = random_.Below(random_.Chance(95) ? 4 : 18); count-- > 0;) {
    std::vector<uint8_t> segment(28);
    segment[0] = 0x02;
    segment[1] = static_cast<uint8_t>(random_.Below(4));  // DC, CAT
    segment[3] = 24;
    segment[5] = static_cast<uint8_t>(random_.Below(named.size() + (random_.Chance(3) ? 1 : 0)));
    segment[7] = static_cast<uint8_t>(random_.Below(named.size()));
    const uint64_t blocks = random_.Below(random_.Chance(80) ? 8 : 40);
    base::StoreBe16(&segment[10], static_cast<uint16_t>(blocks));
    const uint64_t end = 64 - std::min<uint64_t>(blocks, 63) + (random_.Chance(5) ? 100 : 0);
    const uint64_t from = random_.Below(end);
    base::StoreBe64(&segment[12], from);
    // What overlaps within a unit is copied as if it lay elsewhere.
    const uint64_t near = from + random_.Below(5);
    base::StoreBe64(&segment[20], random_.Chance(30) && near < end ? near : random_.Below(end));
    data_.insert(data_.end(), segment.begin(), segment.end());
  }
  base::StoreBe16(&data_[2], static_cast<uint16_t>(cscds));
  base::StoreBe32(&data_[8], static_cast<uint32_t>(data_.size() - 16 - cscds));
  if (random_.Chance(2)) data_[12 + random_.Below(4)] = 1;
  cdb_.assign(16, 0);
  cdb_[0] = 0x83;
  base::StoreBe32(&cdb_[10], static_cast<uint32_t>(random_.Chance(97) ? data_.size() : 0));
}

void Generator::CopyResults() {
  cdb_.assign(16, 0);
  cdb_[0] = 0x84;
  cdb_[1] = static_cast<uint8_t>(random_.Chance(75) ? 0 : random_.Below(5));
  cdb_[2] = static_cast<uint8_t>(random_.Below(4));
  base::StoreBe32(&cdb_[10], static_cast<uint32_t>(Allocation(0xff)));
}

void Generator::Sanitize() {
  constexpr uint8_t kActions[] = {1, 1, 1, 2, 2, 3, 0x1f};
  cdb_.assign(10, 0);
  cdb_[0] = 0x48;
  cdb_[1] = Pick(kActions);
  if (random_.Chance(40)) cdb_[1] |= 0x80;  // IMMED
  if (random_.Chance(40)) cdb_[1] |= 0x20;  // AUSE
  if ((cdb_[1] & 0x1f) != 1) return;
  const uint64_t block = unit_ == nullptr ? 512 : unit_->traits.block_size;
  const uint64_t sizes[] = {1, 2, 3, block - 1, block, block + 1, 0};
  FillData(random_.Chance(60) ? 1 + random_.Below(16) : Pick(sizes));
  const auto size = static_cast<uint16_t>(random_.Chance(95) ? data_.size() : random_.Below(600));
  std::vector<uint8_t> header = {static_cast<uint8_t>(1 + random_.Below(4)), 0, 0, 0};
  if (random_.Chance(40)) header[0] |= 0x80;  // INVERT
  if (random_.Chance(5)) header[0] = static_cast<uint8_t>(random_.Next());
  base::StoreBe16(&header[2], size);
  data_.insert(data_.begin(), header.begin(), header.end());
  base::StoreBe16(&cdb_[7], static_cast<uint16_t>(data_.size()));
}

}  // namespace pushpull::streams
