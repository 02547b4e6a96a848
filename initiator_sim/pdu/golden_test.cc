// The codec against the PDUs that were worked out by hand: //testdata/golden.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/hex.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/field_path.h"

namespace pushpull::initiator_sim {
namespace {

struct Golden {
  std::string kind;
  std::map<std::string, std::vector<uint8_t>> parts;  // by section
  std::vector<std::pair<std::string, std::string>> fields;

  std::vector<uint8_t> Bytes() const {
    std::vector<uint8_t> bytes;
    for (const char* section : {"bhs", "ahs", "header_digest", "data", "pad", "data_digest"}) {
      const auto part = parts.find(section);
      if (part == parts.end()) continue;
      bytes.insert(bytes.end(), part->second.begin(), part->second.end());
    }
    return bytes;
  }
  Digests digests() const {
    return {.header_digest = parts.contains("header_digest"),
            .data_digest = parts.contains("data_digest")};
  }
};

std::string Trimmed(const std::string& line) {
  const std::string text = line.substr(0, line.find('#'));
  const size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

Golden Read(const std::filesystem::path& path) {
  Golden golden;
  std::ifstream file(path);
  std::string section;
  for (std::string raw; std::getline(file, raw);) {
    const std::string line = Trimmed(raw);
    if (line.empty()) continue;
    if (line.front() == '[') {
      section = line.substr(1, line.size() - 2);
    } else if (section == "kind") {
      golden.kind = line;
    } else if (section == "fields") {
      const std::vector<std::string> sides = absl::StrSplit(line, absl::MaxSplits(" = ", 1));
      golden.fields.emplace_back(sides[0], sides[1]);
    } else {
      const std::vector<std::string> sides = absl::StrSplit(line, absl::MaxSplits(':', 1));
      std::vector<uint8_t>& part = golden.parts[section];
      EXPECT_EQ(absl::StrCat(part.size()), sides[0]) << path << ": " << line;
      const auto bytes = base::ParseHex(sides[1]);
      EXPECT_TRUE(bytes.has_value()) << path << ": " << line;
      part.insert(part.end(), bytes->begin(), bytes->end());
    }
  }
  return golden;
}

// The field's name as a path of ours: "ahs.0.ahs_type" is "ahs[0].ahs_type", a CDB's bytes are
// "cdb.raw".
std::string PathOf(const std::string& name) {
  if (name == "cdb") return "cdb.raw";
  const std::vector<std::string> parts = absl::StrSplit(name, '.');
  return parts.size() == 3 ? absl::StrCat(parts[0], "[", parts[1], "].", parts[2]) : name;
}

FieldValue ValueOf(const std::string& text) {
  if (text.starts_with("hex:")) {
    const std::vector<uint8_t> bytes = *base::ParseHex(text.substr(4));
    return std::string(bytes.begin(), bytes.end());
  }
  uint64_t number = 0;
  EXPECT_TRUE(text.starts_with("0x") ? absl::SimpleHexAtoi(text, &number)
                                     : absl::SimpleAtoi(text, &number))
      << text;
  return number;
}

std::string KindName(const v1::Pdu& pdu) {
  const auto* oneof = v1::Pdu::descriptor()->FindOneofByName("kind");
  const auto* field = pdu.GetReflection()->GetOneofFieldDescriptor(pdu, oneof);
  return field == nullptr ? "" : field->name();
}

class GoldenTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(GoldenTest, Decodes) {
  const Golden golden = Read(GetParam());
  const DecodedPdu decoded = Decode(golden.Bytes(), golden.digests());
  EXPECT_EQ(decoded.flaw, "");
  EXPECT_TRUE(decoded.header_digest_ok);
  EXPECT_TRUE(decoded.data_digest_ok);
  EXPECT_EQ(KindName(decoded.pdu), golden.kind);
  for (const auto& [name, text] : golden.fields) {
    const auto value = GetField(decoded.pdu, PathOf(name));
    ASSERT_TRUE(value.ok() && value->has_value()) << name << " " << value.status();
    EXPECT_TRUE(**value == ValueOf(text)) << name << " = " << text << "\n"
                                          << decoded.pdu.DebugString();
  }
  const auto data = golden.parts.find("data");
  EXPECT_EQ(decoded.pdu.data().raw(),
            data == golden.parts.end() ? "" : std::string(base::AsText(data->second)));
}

TEST_P(GoldenTest, Encodes) {
  const Golden golden = Read(GetParam());
  v1::Pdu pdu;
  const auto* kind = v1::Pdu::descriptor()->FindFieldByName(golden.kind);
  ASSERT_NE(kind, nullptr) << golden.kind;
  pdu.GetReflection()->MutableMessage(&pdu, kind);
  for (const auto& [name, text] : golden.fields) {
    // The lengths have to come out right by themselves.
    if (name == "total_ahs_length" || name == "data_segment_length") continue;
    const absl::Status status = SetField(&pdu, PathOf(name), ValueOf(text));
    ASSERT_TRUE(status.ok()) << name << " " << status;
  }
  if (const auto data = golden.parts.find("data"); data != golden.parts.end()) {
    pdu.mutable_data()->set_raw(std::string(base::AsText(data->second)));
  }
  const absl::StatusOr<EncodedPdu> encoded = Encode(pdu, golden.digests());
  ASSERT_TRUE(encoded.ok()) << encoded.status();
  EXPECT_EQ(base::HexDump(encoded->bytes), base::HexDump(golden.Bytes()));
}

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator("testdata/golden")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest, testing::ValuesIn(Files()),
                         [](const auto& param) { return param.param.stem().string(); });

// Every kind of PDU is among them.
TEST(Golden, CoversEveryKind) {
  std::set<std::string> kinds;
  for (const auto& file : Files()) kinds.insert(Read(file).kind);
  const auto* oneof = v1::Pdu::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < oneof->field_count(); ++i) {
    const std::string& name = oneof->field(i)->name();
    EXPECT_TRUE(name == "raw" || kinds.contains(name)) << name;
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
