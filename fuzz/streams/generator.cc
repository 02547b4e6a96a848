#include "fuzz/streams/generator.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace pushpull::streams {
namespace {

namespace model = conformance::model;

constexpr uint64_t kWellKnown = 0xc101'0000'0000'0000;
// Room for what a stream takes, whatever its CDBs say.
constexpr size_t kMostData = 1 << 20;

}  // namespace

Generator::Generator(uint64_t seed, const model::Model* model) : random_(seed), model_(model) {}

Item Generator::Next() {
  nexus_ = random_.Below(Ports().size());
  ChooseUnit();
  Item item;
  const uint64_t dice = random_.Below(400);
  if (unit_ != nullptr && unit_->sanitizing && random_.Chance(15)) {
    item.kind = Item::Kind::kSettle;
  } else if (dice < 2) {
    item.kind = Item::Kind::kReopen;
    item.command.nexus = nexus_;
  } else if (dice < 4 && unit_ != nullptr) {
    item.kind = Item::Kind::kUnitReset;
    item.command.nexus = nexus_;
    item.command.lun = lun_;
  } else if (dice < 12 && model_->IsCalm(nexus_, lun_)) {
    Together(&item);
  } else {
    item.command = Make();
  }
  return item;
}

void Generator::ChooseUnit() {
  const uint64_t dice = random_.Below(100);
  lun_ = Luns()[dice < 60 ? 0 : dice < 78 ? 2 : dice < 88 ? 1 : 3];
  // Nothing, another bus, a second level, or flat addressing of a small number.
  const uint64_t odd[] = {uint64_t{5} << 48, uint64_t{0x0107} << 48, 1, uint64_t{0x4007} << 48,
                          uint64_t{0x8000} << 48};
  if (dice >= 96) lun_ = dice < 98 ? kWellKnown : Pick(odd);
  unit_ = model_->unit(lun_);
}

model::Command Generator::Make() {
  data_.clear();
  const uint64_t dice = random_.Below(100);
  const bool stopped = unit_ != nullptr && unit_->stopped;
  if (stopped && random_.Chance(25)) {
    cdb_ = {0x1b, 0, 0, 0, 1, 0};
  } else if (unit_ == nullptr && random_.Chance(70)) {
    Report();
  } else if (dice < 32) {
    MoveBlocks();
  } else if (dice < 43) {
    CompareBlocks();
  } else if (dice < 54) {
    Provision();
  } else if (dice < 57) {
    CopyBlocks();
  } else if (dice < 58) {
    CopyResults();
  } else if (dice < 59) {
    Sanitize();
  } else if (dice < 74) {
    PersistentOut();
  } else if (dice < 79) {
    PersistentIn();
  } else if (dice < 86) {
    Mode();
  } else if (dice < 92) {
    Report();
  } else if (dice < 98) {
    Condition();
  } else {
    Anything();
  }
  if (random_.Chance(25)) Lengthen();
  if (random_.Chance(5)) Break();
  if (data_.size() > kMostData) data_.resize(kMostData);
  constexpr uint8_t kSimple = 1, kAca = 4;
  const auto attribute = static_cast<uint8_t>(random_.Below(random_.Chance(5) ? kAca + 1 : kAca));
  return {nexus_, lun_, cdb_, data_, random_.Chance(70) ? kSimple : attribute};
}

// ---- fields ------------------------------------------------------------------------------------

uint64_t Generator::Lba() {
  const uint64_t blocks = unit_ == nullptr ? 64 : unit_->traits.blocks;
  const uint64_t edges[] = {0, 1, blocks - 1, blocks - 2, blocks, blocks + 1};
  const uint64_t far[] = {0xffffffff, 0x100000000, UINT64_MAX, 0x1fffff, UINT64_MAX / 512};
  const uint64_t dice = random_.Below(100);
  uint64_t lba = random_.Below(blocks);
  if (dice < 30) lba = Pick(edges);
  if (dice >= 30 && dice < 65) lba = Pick(lbas_) + random_.Below(3) - 1;
  if (dice == 99) return Pick(far);
  if (lbas_.size() < 16) {
    lbas_.push_back(lba);
  } else {
    lbas_[random_.Below(lbas_.size())] = lba;
  }
  return lba;
}

uint64_t Generator::Blocks(uint64_t lba) {
  const uint64_t all = unit_ == nullptr ? 64 : unit_->traits.blocks;
  const uint64_t dice = random_.Below(100);
  if (dice < 80) return 1 + random_.Below(6);
  if (dice < 86) return 0;
  if (dice < 93) return lba < all ? all - lba + random_.Below(2) : 1;
  if (dice < 98) return random_.Below(all);
  const uint64_t large[] = {0xff, 0x100, 0xffff, 0x10000, 0xffffffff};
  return Pick(large);
}

uint64_t Generator::Allocation(uint64_t usual) {
  const uint64_t dice = random_.Below(100);
  if (dice < 70) return usual;
  if (dice < 80) return random_.Below(usual + 1);
  const uint64_t odd[] = {0, 1, 3, 4, 7, 8, 17, 18, 24, 36, 0xff, 0x100, 0xffff};
  return Pick(odd);
}

// What is registered, and what nobody has.
uint64_t Generator::Key() {
  const uint64_t few[] = {0, 1, 2, 3, 0xffffffffffffffff};
  if (unit_ == nullptr || random_.Chance(20)) return Pick(few);
  for (const model::Registration& each : unit_->persistent.registrations) {
    if (each.port == Ports()[nexus_] && random_.Chance(85)) return each.key;
  }
  return 0;
}

void Generator::FillData(uint64_t bytes) {
  bytes = std::min<uint64_t>(bytes, kMostData);
  const size_t begin = data_.size();
  data_.resize(begin + bytes);
  const uint64_t block = unit_ == nullptr ? 512 : unit_->traits.block_size;
  for (uint64_t at = 0; at < bytes; at += block) {
    const auto byte = static_cast<uint8_t>(random_.Chance(20) ? 0 : random_.Next());
    const auto first = data_.begin() + static_cast<int64_t>(begin + at);
    std::fill_n(first, std::min(block, bytes - at), byte);
    // Not all alike, so that a piece in the wrong place shows.
    if (byte != 0) *first = static_cast<uint8_t>(random_.Next());
  }
}

void Generator::AddMedium(uint64_t lba, uint64_t blocks) {
  const uint64_t block = unit_ == nullptr ? 512 : unit_->traits.block_size;
  const bool there = unit_ != nullptr && lba < unit_->traits.blocks &&
                     blocks <= unit_->traits.blocks - lba && random_.Chance(75);
  if (!there) return FillData(blocks * block);
  const auto from = unit_->bytes.begin() + static_cast<int64_t>(lba * block);
  data_.insert(data_.end(), from, from + static_cast<int64_t>(blocks * block));
  if (!data_.empty() && random_.Chance(20)) data_[random_.Below(data_.size())] ^= 1;
}

// Into the fields that all commands of the operation code's group have.
void Generator::SetRange(uint8_t opcode, uint64_t lba, uint64_t blocks) {
  cdb_.assign(opcode < 0x20 ? 6 : opcode < 0x80 ? 10 : opcode < 0xa0 ? 16 : 12, 0);
  cdb_[0] = opcode;
  switch (opcode >> 5) {
    case 0:
      base::StoreBe24(&cdb_[1], lba & 0x1fffff);
      cdb_[4] = static_cast<uint8_t>(blocks);
      break;
    case 4:
      base::StoreBe64(&cdb_[2], lba);
      base::StoreBe32(&cdb_[10], static_cast<uint32_t>(blocks));
      break;
    case 5:
      base::StoreBe32(&cdb_[2], static_cast<uint32_t>(lba));
      base::StoreBe32(&cdb_[6], static_cast<uint32_t>(blocks));
      break;
    default:
      base::StoreBe32(&cdb_[2], static_cast<uint32_t>(lba));
      base::StoreBe16(&cdb_[7], static_cast<uint16_t>(blocks));
      break;
  }
}

void Generator::Lengthen() {
  uint8_t action = 0;
  switch (cdb_[0]) {
    case 0x88:
      action = 0x09;
      break;
    case 0x8f:
      action = 0x0a;
      break;
    case 0x8a:
      action = 0x0b;
      break;
    case 0x8e:
      action = 0x0c;
      break;
    case 0x93:
      action = 0x0d;
      break;
    default:
      return;
  }
  Cdb cdb(32);
  cdb[0] = 0x7f;
  cdb[7] = 24;
  cdb[9] = action;
  cdb[10] = cdb_[1];
  std::copy_n(cdb_.begin() + 2, 8, cdb.begin() + 12);
  std::copy_n(cdb_.begin() + 10, 4, cdb.begin() + 28);
  // What there is about protection information isn't looked at.
  if (random_.Chance(20)) cdb[20 + random_.Below(8)] = static_cast<uint8_t>(random_.Next());
  if (random_.Chance(3)) cdb.resize(6 + random_.Below(26));
  cdb_ = std::move(cdb);
}

void Generator::Break() {
  if (random_.Chance(70)) {
    cdb_[1 + random_.Below(cdb_.size() - 1)] ^= static_cast<uint8_t>(1u << random_.Below(8));
  } else if (!data_.empty() && random_.Chance(60)) {
    data_[random_.Below(std::min<size_t>(data_.size(), 64))] ^= 1u << random_.Below(8);
  } else {
    data_.resize(random_.Below(data_.size() + 1));
  }
}

// ---- commands ----------------------------------------------------------------------------------

void Generator::MoveBlocks() {
  constexpr uint8_t kOpcodes[] = {0x08, 0x28, 0xa8, 0x88, 0x0a, 0x2a, 0xaa, 0x8a,
                                  0x2a, 0x8a, 0x2e, 0xae, 0x8e, 0x8b, 0x9c};
  const uint64_t lba = Lba();
  const uint64_t blocks = Blocks(lba);
  const uint8_t opcode = Pick(kOpcodes);
  SetRange(opcode, lba, blocks);
  const bool verifies = (opcode & 0x1f) == 0x0e;
  if (opcode >= 0x20 && random_.Chance(15)) {
    cdb_[1] = static_cast<uint8_t>(verifies ? random_.Below(4) << 1 : random_.Below(4) << 3);
  }
  if (opcode == 0x9c) {  // WRITE ATOMIC: another place for the length
    base::StoreBe32(&cdb_[10], static_cast<uint32_t>(blocks & 0xffff));
  }
  if ((opcode & 0x1f) == 0x08) return;
  const uint64_t block = unit_ == nullptr ? 512 : unit_->traits.block_size;
  FillData((opcode == 0x0a && blocks % 256 == 0 ? 256 : blocks) * block);
}

void Generator::Together(Item* item) {
  constexpr uint8_t kOpcodes[] = {0x28, 0x28, 0x2a, 0x2a, 0x2a, 0x2f, 0x41, 0x89};
  constexpr uint64_t kBlocks = 8;
  item->kind = Item::Kind::kTogether;
  item->command.nexus = nexus_;
  const uint64_t first = random_.Below(unit_->traits.blocks - 2 * kBlocks);
  for (uint64_t count = 2 + random_.Below(5); count-- > 0;) {
    const uint8_t opcode = Pick(kOpcodes);
    const uint64_t lba = first + random_.Below(kBlocks);
    const uint64_t blocks = 1 + random_.Below(kBlocks);
    data_.clear();
    SetRange(opcode, lba, blocks);
    if (opcode == 0x2f) {
      cdb_[1] = 0x02;  // BYTCHK
      AddMedium(lba, blocks);
    } else if (opcode == 0x89) {
      base::StoreBe32(&cdb_[10], static_cast<uint32_t>(blocks));
      AddMedium(lba, blocks);
      FillData(blocks * unit_->traits.block_size);
    } else if (opcode != 0x28) {
      FillData((opcode == 0x41 ? 1 : blocks) * unit_->traits.block_size);
    }
    // SIMPLE, ORDERED, HEAD OF QUEUE.
    constexpr uint8_t kSimple = 1, kOrdered = 2;
    auto attribute = static_cast<uint8_t>(1 + random_.Below(3));
    // What runs alone may wait for SIMPLE ones that came after it: nothing orders them (SAM-5
    // §8.7).
    if (opcode == 0x89 && attribute == kSimple) attribute = kOrdered;
    item->ready.insert(
        item->ready.begin() + static_cast<int64_t>(random_.Below(item->ready.size() + 1)),
        item->together.size());
    item->together.push_back({nexus_, lun_, cdb_, data_, attribute});
  }
}

void Generator::CompareBlocks() {
  constexpr uint8_t kOpcodes[] = {0x89, 0x89, 0x2f, 0xaf, 0x8f, 0x34, 0x90, 0x35, 0x91};
  const uint64_t lba = Lba();
  const uint64_t blocks = Blocks(lba);
  const uint64_t block = unit_ == nullptr ? 512 : unit_->traits.block_size;
  const uint8_t opcode = Pick(kOpcodes);
  SetRange(opcode, lba, blocks);
  if (opcode == 0x89) {
    base::StoreBe32(&cdb_[10], static_cast<uint32_t>(blocks & 0xff));
    AddMedium(lba, blocks & 0xff);
    FillData((blocks & 0xff) * block);
  } else if ((opcode & 0x1f) == 0x0f) {
    const uint64_t check = random_.Below(4);
    cdb_[1] = static_cast<uint8_t>(check << 1);
    if (check == 1) AddMedium(lba, blocks);
    if (check == 3) AddMedium(lba, 1);
  } else if (random_.Chance(30)) {
    cdb_[1] = 0x02;
  }
}

void Generator::Provision() {
  const uint64_t lba = Lba();
  const uint64_t blocks = Blocks(lba);
  const uint64_t block = unit_ == nullptr ? 512 : unit_->traits.block_size;
  const uint64_t dice = random_.Below(10);
  if (dice < 5) {
    const bool is_long = random_.Chance(50);
    SetRange(is_long ? 0x93 : 0x41, lba, blocks);
    cdb_[1] = static_cast<uint8_t>(random_.Chance(50) ? 0x08 : 0);
    if (is_long && random_.Chance(30)) cdb_[1] |= 1;
    if (random_.Chance(60)) {
      data_.assign(block, 0);
    } else {
      FillData(block);
    }
  } else if (dice < 7) {
    cdb_.assign(16, 0);
    cdb_[0] = 0x9e;
    cdb_[1] = 0x12;
    base::StoreBe64(&cdb_[2], lba);
    base::StoreBe32(&cdb_[10], static_cast<uint32_t>(Allocation(0x200)));
  } else {
    const uint64_t count = random_.Below(4);
    data_.assign(8 + 16 * count, 0);
    base::StoreBe16(&data_[0], static_cast<uint16_t>(data_.size() - 2));
    base::StoreBe16(&data_[2], static_cast<uint16_t>(16 * count));
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t from = Lba();
      base::StoreBe64(&data_[8 + 16 * i], from);
      base::StoreBe32(&data_[16 + 16 * i], static_cast<uint32_t>(Blocks(from)));
    }
    cdb_ = {0x42, 0, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(data_.size()), 0};
  }
}

// ---- the rest ----------------------------------------------------------------------------------

void Generator::Report() {
  const uint64_t dice = random_.Below(12);
  if (dice < 4) {
    constexpr uint8_t kPages[] = {0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2, 0x84};
    const bool vital = random_.Chance(70);
    cdb_ = {0x12, vital, vital ? Pick(kPages) : uint8_t{0}, 0, 0, 0};
    base::StoreBe16(&cdb_[3], static_cast<uint16_t>(Allocation(0xff)));
  } else if (dice < 6) {
    cdb_ = {0xa0, 0, static_cast<uint8_t>(random_.Below(4)), 0, 0, 0, 0, 0, 0, 0, 0, 0};
    base::StoreBe32(&cdb_[6], static_cast<uint32_t>(Allocation(0x100)));
  } else if (dice < 7) {
    cdb_ = {0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  } else if (dice < 8) {
    cdb_.assign(16, 0);
    cdb_[0] = 0x9e;
    cdb_[1] = 0x10;
    cdb_[13] = static_cast<uint8_t>(Allocation(32));
  } else if (dice < 11) {
    constexpr uint8_t kActions[] = {0x0a, 0x0c, 0x0c, 0x0d};
    constexpr uint8_t kOpcodes[] = {0x28, 0x5f, 0x9e, 0x9c, 0x42, 0xa3, 0x00, 0xff, 0x93};
    cdb_ = {0xa3, Pick(kActions), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    if (cdb_[1] == 0x0a && random_.Chance(50)) cdb_[1] |= 0x20;
    if (cdb_[1] == 0x0c) {
      cdb_[2] = static_cast<uint8_t>(random_.Below(4) | (random_.Chance(30) ? 0x80 : 0));
      cdb_[3] = random_.Chance(80) ? Pick(kOpcodes) : static_cast<uint8_t>(random_.Next());
      cdb_[5] = static_cast<uint8_t>(random_.Below(random_.Chance(50) ? 1 : 20));
    }
    if (cdb_[1] == 0x0d && random_.Chance(50)) cdb_[2] = 0x80;
    base::StoreBe32(&cdb_[6], static_cast<uint32_t>(Allocation(0x800)));
  } else {
    const bool twelve = random_.Chance(50);
    cdb_.assign(twelve ? 12 : 10, 0);
    cdb_[0] = twelve ? 0xb7 : 0x37;
    cdb_[twelve ? 1 : 2] = static_cast<uint8_t>(random_.Below(32));
    cdb_[twelve ? 9 : 8] = static_cast<uint8_t>(Allocation(8));
  }
}

void Generator::Condition() {
  const uint64_t dice = random_.Below(10);
  if (dice < 4) {
    cdb_ = {0, 0, 0, 0, 0, 0};
  } else if (dice < 7) {
    cdb_ = {0x03, random_.Chance(50), 0, 0, static_cast<uint8_t>(Allocation(0xff)), 0};
  } else if (dice < 8) {
    cdb_ = {0x1b, 0, 0, 0, static_cast<uint8_t>(random_.Below(8)), 0};
  } else if (dice < 9) {
    cdb_ = {0x1e, 0, 0, 0, static_cast<uint8_t>(random_.Below(4)), 0};
  } else {
    data_ = {0, 0, 0, 0, 0, 0, 0, 1};
    if (random_.Chance(30)) data_[4 + random_.Below(4)] = static_cast<uint8_t>(random_.Below(3));
    cdb_ = {0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(data_.size()), 0, 0};
  }
}

void Generator::Anything() {
  const auto opcode = static_cast<uint8_t>(random_.Next());
  SetRange(opcode, random_.Chance(50) ? 0 : Lba(), random_.Below(4));
  if (random_.Chance(50)) cdb_[1] = static_cast<uint8_t>(random_.Next());
  FillData(random_.Below(1024));
}

}  // namespace pushpull::streams
