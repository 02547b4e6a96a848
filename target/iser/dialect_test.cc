#include "target/iser/dialect.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

constexpr IserPrivateData kVerbsPeer{.present = true};
constexpr IserPrivateData kSilentPeer;
using D = IserDialect;

TEST(IserDialect, NamesAreFound) {
  for (const IserReadings& row : AllIserReadings()) {
    EXPECT_EQ(FindIserDialect(row.name), row.dialect);
    EXPECT_EQ(ReadingsOf(row.dialect).name, row.name);
  }
  EXPECT_EQ(AllIserReadings().size(), 3u);
  EXPECT_EQ(FindIserDialect("Linux"), std::nullopt);
  EXPECT_EQ(FindIserDialect(""), std::nullopt);
}

TEST(IserDialect, LoginHeader) {
  const struct {
    uint8_t first_byte;
    bool rfc7145, linux, permissive;
  } kCases[] = {
      {0x10, false, true, true},   // an iSER header
      {0x1f, false, true, true},   // with every other bit
      {0x43, false, true, false},  // a Login Request
      {0x03, false, true, false},  // without its I bit
      {0x00, false, true, false},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(HasLoginHeader(ReadingsOf(D::kRfc7145), test.first_byte), test.rfc7145);
    EXPECT_EQ(HasLoginHeader(ReadingsOf(D::kLinux), test.first_byte), test.linux);
    EXPECT_EQ(HasLoginHeader(ReadingsOf(D::kPermissive), test.first_byte), test.permissive);
  }
}

TEST(IserDialect, WriteBase) {
  const struct {
    D dialect;
    bool declared;
    IserPrivateData peer;
    bool solicited;
  } kCases[] = {
      {D::kRfc7145, false, kVerbsPeer, false},   {D::kRfc7145, true, kSilentPeer, true},
      {D::kLinux, false, kSilentPeer, true},     {D::kLinux, true, kVerbsPeer, true},
      {D::kPermissive, false, kVerbsPeer, true}, {D::kPermissive, false, kSilentPeer, false},
      {D::kPermissive, true, kSilentPeer, true},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(WriteBaseIsSolicited(ReadingsOf(test.dialect), test.declared, test.peer),
              test.solicited)
        << ReadingsOf(test.dialect).name << test.declared << test.peer.present;
  }
}

TEST(IserDialect, SendLimit) {
  const struct {
    D dialect;
    uint32_t negotiated;
    IserPrivateData peer;
    uint32_t limit;
  } kCases[] = {
      {D::kRfc7145, 262144, kVerbsPeer, 262144}, {D::kLinux, 262144, kVerbsPeer, 128},
      {D::kLinux, 512, kSilentPeer, 128},        {D::kLinux, 100, kSilentPeer, 100},
      {D::kPermissive, 262144, kVerbsPeer, 128}, {D::kPermissive, 8192, kSilentPeer, 8192},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(MaxDataSegmentToSend(ReadingsOf(test.dialect), test.negotiated, test.peer),
              test.limit)
        << ReadingsOf(test.dialect).name << test.negotiated;
  }
}

TEST(IserDialect, Hello) {
  const struct {
    D dialect;
    std::optional<bool> required;
    HelloVerdict verdict;
  } kCases[] = {
      {D::kRfc7145, true, HelloVerdict::kDue},
      {D::kRfc7145, false, HelloVerdict::kError},
      {D::kRfc7145, std::nullopt, HelloVerdict::kAllowed},
      {D::kLinux, true, HelloVerdict::kError},
      {D::kLinux, false, HelloVerdict::kError},
      {D::kPermissive, true, HelloVerdict::kAllowed},
      {D::kPermissive, false, HelloVerdict::kAllowed},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(JudgeHello(ReadingsOf(test.dialect), test.required), test.verdict)
        << ReadingsOf(test.dialect).name << test.required.value_or(false);
  }
}

}  // namespace
}  // namespace pushpull::target
