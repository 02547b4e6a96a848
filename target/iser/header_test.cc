#include "target/iser/header.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/pdu/request.h"

namespace pushpull::target {
namespace {

// Bytes written by hand from the figures of RFC 7145 §9.
struct Golden {
  std::string_view name;
  std::string_view hex;
  IserHeader header;
};
const Golden kGolden[] = {
    {"nothing advertised", "10000000 00000000 0000000000000000 00000000 0000000000000000",
     IserControl{}},
    {"read", "14000000 00000000 0000000000000000 11223344 00007f0012345000",
     IserControl{.read = IserBuffer{0x11223344, 0x7f0012345000}}},
    {"write", "18000000 55667788 00007f0012347000 00000000 0000000000000000",
     IserControl{.write = IserBuffer{0x55667788, 0x7f0012347000}}},
    {"both, every bit", "1c000000 ffffffff fffffffffffffff8 80000001 8000000000000001",
     IserControl{.write = IserBuffer{0xffffffff, 0xfffffffffffffff8},
                 .read = IserBuffer{0x80000001, 0x8000000000000001}}},
    {"a buffer of key 0 at 0", "18000000 00000000 0000000000000000 00000000 0000000000000000",
     IserControl{.write = IserBuffer{0, 0}}},
    {"hello", "20aa0008 00000000 0000000000000000 00000000 0000000000000000", IserHello{.ird = 8}},
    {"hello of other versions", "20e1ffff 00000000 0000000000000000 00000000 0000000000000000",
     IserHello{.max_version = 14, .min_version = 1, .ird = 0xffff}},
    {"hello reply", "30aa0102 00000000 0000000000000000 00000000 0000000000000000",
     IserHelloReply{.ord = 0x102}},
    {"hello reply that rejects", "31aa0000 00000000 0000000000000000 00000000 0000000000000000",
     IserHelloReply{.reject = true}},
};

std::vector<uint8_t> Bytes(std::string_view hex) {
  std::string text(hex);
  const auto bytes = base::ParseHex(text);
  EXPECT_TRUE(bytes.has_value()) << hex;
  return bytes.value_or(std::vector<uint8_t>());
}

TEST(IserHeader, GoldenBytesBothWays) {
  for (const Golden& golden : kGolden) {
    SCOPED_TRACE(golden.name);
    const std::vector<uint8_t> bytes = Bytes(golden.hex);
    const auto parsed = ParseIserHeader(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.error();
    EXPECT_TRUE(*parsed == golden.header);
    const IserHeaderBytes built =
        std::visit([](const auto& header) { return BuildIserHeader(header); }, golden.header);
    EXPECT_EQ(base::Hex(built), base::Hex(bytes));
  }
}

// RFC7145-9.2: reserved fields, and buffers that aren't valid, are ignored on receive.
TEST(IserHeader, ReservedBitsAreIgnored) {
  const struct {
    std::string_view hex;
    IserHeader header;
  } kCases[] = {
      {"13ffffff ffffffff ffffffffffffffff ffffffff ffffffffffffffff", IserControl{}},
      {"17ffffff ffffffff ffffffffffffffff 00000001 0000000000000002",
       IserControl{.read = IserBuffer{1, 2}}},
      {"1bffffff 00000001 0000000000000002 ffffffff ffffffffffffffff",
       IserControl{.write = IserBuffer{1, 2}}},
      {"2faa0008 ffffffff ffffffffffffffff ffffffff ffffffffffffffff", IserHello{.ird = 8}},
      {"3eaa0008 ffffffff ffffffffffffffff ffffffff ffffffffffffffff", IserHelloReply{.ord = 8}},
  };
  for (const auto& test : kCases) {
    const auto parsed = ParseIserHeader(Bytes(test.hex));
    ASSERT_TRUE(parsed.ok()) << test.hex;
    EXPECT_TRUE(*parsed == test.header) << test.hex;
  }
}

std::string ErrorOf(const std::vector<uint8_t>& message) {
  const auto parsed = ParseIserHeader(message);
  return parsed.ok() ? "ok" : ToString(parsed.error());
}

TEST(IserHeader, EveryOtherOpcodeIsAFormatError) {
  std::vector<uint8_t> message(kIserHeaderBytes + 48);
  for (int first = 0; first < 256; ++first) {
    message[0] = static_cast<uint8_t>(first);
    const int opcode = first >> 4;
    const std::string error = ErrorOf(message);
    if (opcode == 1) {
      EXPECT_EQ(error, "ok") << first;
    } else if (opcode == 2) {
      EXPECT_EQ(error, "leftover_bytes (RFC 7145 §9.3, §10.1.3.3): close_connection") << first;
    } else if (opcode == 3) {
      EXPECT_EQ(error, "leftover_bytes (RFC 7145 §9.4, §10.1.3.3): close_connection") << first;
    } else {
      EXPECT_EQ(error, "transport_header (RFC 7145 §9.1, §10.1.3.3): close_connection") << first;
    }
  }
}

TEST(IserHeader, LengthsAndVersionsAreChecked) {
  const std::string short_message = "short_message (RFC 7145 §9.1, §10.1.3.3): close_connection";
  for (const std::string_view hex : {"10", "20", "30", "40"}) {
    for (size_t length = 0; length < kIserHeaderBytes; ++length) {
      std::vector<uint8_t> message = Bytes(hex);
      message.resize(length);
      EXPECT_EQ(ErrorOf(message), short_message) << hex << " " << length;
    }
  }
  for (const std::string_view hex : {"20aa", "30aa"}) {
    std::vector<uint8_t> message = Bytes(hex);
    message.resize(kIserHeaderBytes);
    EXPECT_EQ(ErrorOf(message), "ok");
    message.push_back(0);
    EXPECT_NE(ErrorOf(message), "ok");
  }
  std::vector<uint8_t> hello = Bytes("209a");
  hello.resize(kIserHeaderBytes);
  EXPECT_EQ(ErrorOf(hello), "transport_header (RFC 7145 §9.3, §10.1.3.3): close_connection");
  hello[0] = 0x30;
  EXPECT_EQ(ErrorOf(hello), "transport_header (RFC 7145 §9.4, §10.1.3.3): close_connection");
}

TEST(IserHeader, VersionsAreNibbles) {
  const IserHeaderBytes bytes =
      BuildIserHeader(IserHello{.max_version = 0x2a, .min_version = 0x31, .ird = 1});
  EXPECT_EQ(bytes[1], 0xa1);
}

// RFC7145-5.1.3, 10.1.3.2
TEST(IserHeader, HelloIsAnswered) {
  const struct {
    std::string_view name;
    IserHello hello;
    uint8_t min_version, max_version;
    uint16_t ord;
    IserHelloReply reply;
  } kCases[] = {
      {"the initiator's IRD is less", {.ird = 8}, 10, 10, 16, {.ord = 8}},
      {"our ORD is less", {.ird = 16}, 10, 10, 8, {.ord = 8}},
      {"no reads wanted", {.ird = 0}, 10, 10, 8, {.ord = 0}},
      {"neither has any", {.ird = 0}, 10, 10, 0, {.ord = 0}},
      {"reads wanted, none possible", {.ird = 1}, 10, 10, 0, {.reject = true, .ord = 0}},
      {"older",
       {.max_version = 9, .min_version = 1, .ird = 1},
       10,
       10,
       1,
       {.reject = true, .ord = 1}},
      {"newer",
       {.max_version = 12, .min_version = 11, .ird = 1},
       10,
       10,
       1,
       {.reject = true, .ord = 1}},
      {"overlap", {.max_version = 12, .min_version = 9, .ird = 1}, 10, 10, 1, {.ord = 1}},
      {"Appendix B",
       {.max_version = 1, .min_version = 1, .ird = 1},
       1,
       10,
       1,
       {.current_version = 1, .ord = 1}},
  };
  for (const auto& test : kCases) {
    EXPECT_TRUE(AnswerHello(test.hello, test.min_version, test.max_version, test.ord) == test.reply)
        << test.name;
  }
}

constexpr uint32_t kFirstBurst = 8192;
constexpr IserBuffer kBuffer{1, 2};

std::string CheckOf(const Bhs& bhs, bool write, bool read) {
  IserControl control;
  if (write) control.write = kBuffer;
  if (read) control.read = kBuffer;
  const auto checked = CheckIserControl(control, BhsView(bhs), kFirstBurst);
  return checked.ok() ? "ok" : ToString(checked.error());
}

void ExpectOnly(std::string_view name, const Bhs& bhs, const std::vector<std::string>& legal) {
  for (const bool write : {false, true}) {
    for (const bool read : {false, true}) {
      const std::string flags = std::string(write ? "W" : "") + (read ? "R" : "");
      const bool ok = std::find(legal.begin(), legal.end(), flags) != legal.end();
      EXPECT_EQ(CheckOf(bhs, write, read),
                ok ? "ok" : "transport_header (RFC 7145 §9.2, §10.1.3.3): close_connection")
          << name << " '" << flags << "'";
    }
  }
}

// RFC7145-9.2
TEST(IserControl, BuffersGoWithTheRequest) {
  const auto command = [](bool read, bool write, bool final, uint32_t bytes, uint32_t immediate) {
    return ScsiCommand{.final = final,
                       .read = read,
                       .write = write,
                       .expected_data_transfer_length = bytes,
                       .data_segment_length = immediate}
        .Encode();
  };
  ExpectOnly("no data", command(false, false, true, 0, 0), {""});
  ExpectOnly("read", command(true, false, true, 512, 0), {"R"});
  ExpectOnly("read of nothing", command(true, false, true, 0, 0), {"", "R"});
  ExpectOnly("solicited write", command(false, true, true, 512, 0), {"W"});
  ExpectOnly("write of nothing", command(false, true, true, 0, 0), {"", "W"});
  ExpectOnly("immediate write", command(false, true, true, 512, 512), {"", "W"});
  ExpectOnly("partly immediate", command(false, true, true, 513, 512), {"W"});
  ExpectOnly("unsolicited write", command(false, true, false, kFirstBurst, 0), {"", "W"});
  ExpectOnly("more than unsolicited", command(false, true, false, kFirstBurst + 1, 0), {"W"});
  ExpectOnly("bidirectional", command(true, true, true, 512, 0), {"WR"});
  ExpectOnly("bidirectional, immediate", command(true, true, true, 512, 512), {"R", "WR"});

  ExpectOnly("NOP-Out", NopOut{}.Encode(), {""});
  ExpectOnly("Data-Out", DataOut{}.Encode(), {""});
  using F = TaskManagementFunction;
  ExpectOnly("ABORT TASK", TaskManagementRequest{.function = F::kAbortTask}.Encode(), {""});
  ExpectOnly("TASK REASSIGN", TaskManagementRequest{.function = F::kTaskReassign}.Encode(),
             {"", "W", "R", "WR"});
}

// RFC 7145 §6.9: how much of a write comes without being read; never more than there is.
TEST(IserControl, UnsolicitedBytesAreCounted) {
  struct Case {
    bool final;
    uint32_t immediate, expected, first_burst, bytes;
  };
  for (const Case& c : {Case{true, 512, 4096, 1024, 512}, Case{true, 512, 256, 1024, 256},
                        Case{false, 512, 4096, 1024, 1024}, Case{false, 0, 1000, 65536, 1000},
                        Case{false, 2048, 4096, 1024, 2048}}) {
    ScsiCommand write;
    write.write = true;
    write.final = c.final;
    write.expected_data_transfer_length = c.expected;
    write.data_segment_length = c.immediate;
    const Bhs bhs = write.Encode();
    EXPECT_EQ(UnsolicitedBytes(BhsView(bhs), c.first_burst), c.bytes) << c.immediate;
  }
}

// The field of a bidirectional command tells nothing of what it reads.
TEST(IserControl, ABidirectionalCommandHasABufferToReadInto) {
  ScsiCommand command;
  command.read = command.write = true;
  const Bhs bhs = command.Encode();
  EXPECT_FALSE(CheckIserControl({}, BhsView(bhs), 1024).ok());
  EXPECT_TRUE(CheckIserControl({.read = IserBuffer{1, 2}}, BhsView(bhs), 1024).ok());
}

}  // namespace
}  // namespace pushpull::target
