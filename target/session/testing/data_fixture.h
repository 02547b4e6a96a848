// What the tests of data share: one initiator, logged in, and the medium behind the target.

#ifndef PUSHPULL_TARGET_SESSION_TESTING_DATA_FIXTURE_H_
#define PUSHPULL_TARGET_SESSION_TESTING_DATA_FIXTURE_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class DataTest : public ::testing::Test {
 protected:
  void Start(Pairs keys = {}, RigOptions options = {}) {
    rig_ = std::make_unique<Rig>(options);
    a_ = std::make_unique<Initiator>(rig_.get());
    a_->Login({std::move(keys)});
    a_->ClearUnitAttentions();
  }
  Initiator& a() { return *a_; }
  bool MediumHas(const ByteVector& bytes, size_t at = 0) {
    return std::equal(bytes.begin(), bytes.end(), rig_->Medium().begin() + at);
  }
  DataOut Unsolicited(const ScsiCommand& command, uint32_t offset, bool final) {
    DataOut out;
    out.initiator_task_tag = command.initiator_task_tag;
    out.buffer_offset = offset;
    out.final = final;
    return out;
  }

  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Initiator> a_;
};

}  // namespace pushpull::target::testing

#endif  // PUSHPULL_TARGET_SESSION_TESTING_DATA_FIXTURE_H_
