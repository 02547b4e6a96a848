// A Send of any length, with any header, against lengths that the header can claim near it, in a
// login and in the Full Feature Phase: the target rejects it, answers it, or closes the connection;
// and it keeps nothing. (message_lengths_test.cc has all lengths against all claims, without a
// connection; the fixture looks for what is left.)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>

#include "base/sanitized.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

constexpr size_t kLongest = 400;
constexpr size_t kStep = 32;  // of claimed words of AHS, from another one on with each length
// Sanitizers make it slow: beyond what cuts headers, not each length.
constexpr size_t StepFrom(size_t length) { return base::kSanitized && length >= 90 ? 7 : 1; }
constexpr size_t kHeaders = kIserHeaderBytes + kBhsBytes;

class IserPushedLengthsTest : public IserTest {
 protected:
  IserPushedLengthsTest() : IserTest(1, {}, /*queue_depth=*/2) {}

  // Calls `push` with each message of `length` bytes.
  template <typename Push>
  void ForEachClaim(size_t length, Push push) {
    const size_t behind = length > kHeaders ? length - kHeaders : 0;
    std::set<size_t> words = {0, 1, behind / 4, behind / 4 + 1, 64, 65, 255};
    for (size_t other = length % kStep; other < 256; other += kStep) words.insert(other);
    for (const size_t ahs_words : words) {
      const auto fits = static_cast<int64_t>(behind) - static_cast<int64_t>(ahs_words * 4);
      for (int64_t data = std::max<int64_t>(0, fits - 2); data <= std::max<int64_t>(0, fits) + 1;
           ++data) {
        push(ahs_words, static_cast<uint32_t>(data));
      }
    }
  }
  ByteVector Message(const Bhs& bhs, size_t length, size_t ahs_words, uint32_t data) {
    ByteVector whole(std::max(length, kHeaders));
    whole[0] = 0x10;
    std::ranges::copy(bhs, whole.begin() + kIserHeaderBytes);
    whole[kIserHeaderBytes + 4] = static_cast<uint8_t>(ahs_words);
    base::StoreBe24(&whole[kIserHeaderBytes + 5], data);
    whole.resize(length);
    return whole;
  }
  // Requests for immediate delivery, of which each may have a data segment.
  Bhs Request(size_t number) {
    const uint32_t tag = ++tag_;
    switch (number % 4) {
      case 0: {
        NopOut ping;
        ping.immediate = true;
        ping.initiator_task_tag = tag;
        ping.cmd_sn = cmd_sn_;
        return ping.Encode();
      }
      case 1: {
        TextRequest text;
        text.immediate = true;
        text.initiator_task_tag = tag;
        text.cmd_sn = cmd_sn_;
        return text.Encode();
      }
      case 2: {
        DataOut out;
        out.initiator_task_tag = tag;
        return out.Encode();
      }
      default: {
        ScsiCommand write = Command(0x2a, 0, 1);
        write.immediate = true;
        write.cmd_sn = cmd_sn_;
        return write.Encode();
      }
    }
  }
  void Connected() {
    if (connection_ != nullptr && !ended_) return;
    ASSERT_NO_FATAL_FAILURE(Connect(IserDialect::kLinux));
  }
  void LoggedIn() {
    if (connection_ != nullptr && !ended_) return;
    ASSERT_NO_FATAL_FAILURE(Connect(IserDialect::kLinux));
    ASSERT_EQ(Login().status_class, 0);
  }
};

TEST_F(IserPushedLengthsTest, FullFeaturePhase) {
  size_t number = 0;
  size_t answered = 0;
  for (size_t length = 0; length <= kLongest; length += StepFrom(length)) {
    ForEachClaim(length, [&](size_t ahs_words, uint32_t data) {
      LoggedIn();
      SendBytes(Message(Request(number++), length, ahs_words, data));
      const bool got = Next().has_value();
      ASSERT_TRUE(got || ended_) << length << " bytes claim AHS " << ahs_words * 4 << ", data "
                                 << data;
      answered += got ? 1 : 0;
    });
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(answered, base::kSanitized ? 50u : 100u);
}

TEST_F(IserPushedLengthsTest, Login) {
  size_t answered = 0;
  for (size_t length = 0; length <= kLongest; length += StepFrom(length)) {
    ForEachClaim(length, [&](size_t ahs_words, uint32_t data) {
      Connected();
      LoginRequest request = testing::RigLogin(cmd_sn_);
      SendBytes(Message(request.Encode(), length, ahs_words, data));
      const bool got = Next().has_value();
      ASSERT_TRUE(got || ended_) << length << " bytes claim AHS " << ahs_words * 4 << ", data "
                                 << data;
      answered += got ? 1 : 0;
      if (got) EndsSilently();
    });
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(answered, 30u);
}

}  // namespace
}  // namespace pushpull::target
