// Makes command streams that know what commands mean: addresses at edges and at what was used
// before, keys that are registered, lists that are right and lists that are nearly so.

#ifndef FUZZ_STREAMS_GENERATOR_H_
#define FUZZ_STREAMS_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "base/random.h"
#include "conformance/model/model.h"
#include "fuzz/streams/stream.h"

namespace pushpull::streams {

class Generator {
 public:
  // `model`, which lives longer, says how things are when the next item is due.
  Generator(uint64_t seed, const conformance::model::Model* model);

  Item Next();

 private:
  using Cdb = std::vector<uint8_t>;

  conformance::model::Command Make();
  // Commands whose order matters, on a few blocks.
  void Together(Item* item);
  void ChooseUnit();

  // Each sets cdb_ and data_.
  void MoveBlocks();
  void CompareBlocks();
  void Provision();
  void PersistentOut();
  void PersistentIn();
  void Mode();
  void Report();
  void Condition();
  void Anything();
  void CopyBlocks();
  void CopyResults();
  void Sanitize();

  template <typename Values>
  auto Pick(const Values& values) {
    return values[random_.Below(std::size(values))];
  }
  uint64_t Lba();
  uint64_t Blocks(uint64_t lba);
  uint64_t Allocation(uint64_t usual);
  uint64_t Key();
  void FillData(uint64_t bytes);
  // Often what is on the medium there, so that a comparison holds.
  void AddMedium(uint64_t lba, uint64_t blocks);
  void SetRange(uint8_t opcode, uint64_t lba, uint64_t blocks);
  std::vector<uint8_t> ModeList(bool ten);
  // A CDB of 16 bytes becomes the one of 32 that does the same.
  void Lengthen();
  void Break();

  base::Random random_;
  const conformance::model::Model* const model_;
  size_t nexus_ = 0;
  uint64_t lun_ = 0;
  const conformance::model::Unit* unit_ = nullptr;  // of lun_
  Cdb cdb_;
  std::vector<uint8_t> data_;
  std::vector<uint64_t> lbas_ = {0};  // that were used
};

}  // namespace pushpull::streams

#endif  // FUZZ_STREAMS_GENERATOR_H_
