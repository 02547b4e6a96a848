// Decodes and encodes the hand-made PDUs of //testdata/golden (its README.md says the format).

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/pdu/ahs.h"
#include "target/pdu/digest.h"
#include "target/pdu/lun.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"

namespace pushpull::target {
namespace {

struct Golden {
  std::string kind;
  std::map<std::string, std::vector<uint8_t>> parts;  // "bhs", "ahs", ...
  std::map<std::string, std::string> fields;

  const std::vector<uint8_t>& part(const std::string& name) const {
    static const std::vector<uint8_t> kNone;
    const auto found = parts.find(name);
    return found == parts.end() ? kNone : found->second;
  }
  Bhs bhs() const {
    Bhs bhs = {};
    std::copy_n(part("bhs").begin(), kBhsBytes, bhs.begin());
    return bhs;
  }
};

std::string Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

Golden Read(const std::filesystem::path& path) {
  Golden golden;
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::string line, section;
  while (std::getline(file, line)) {
    line = Trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    if (line.front() == '[') {
      section = line.substr(1, line.size() - 2);
    } else if (section == "kind") {
      golden.kind = line;
    } else if (section == "fields") {
      const size_t equals = line.find(" = ");
      EXPECT_NE(equals, line.npos) << line;
      EXPECT_TRUE(golden.fields.emplace(line.substr(0, equals), line.substr(equals + 3)).second);
    } else {
      const size_t colon = line.find(':');
      auto& part = golden.parts[section];
      EXPECT_EQ(std::stoul(line.substr(0, colon)), part.size()) << section << " " << line;
      const auto bytes = base::ParseHex(line.substr(colon + 1));
      EXPECT_TRUE(bytes.has_value()) << line;
      if (bytes) part.insert(part.end(), bytes->begin(), bytes->end());
    }
  }
  return golden;
}

// Fields by name, each in its struct. A visitor is called with a name and a reference.
template <typename V>
void Lengths(V& v, auto& p) {
  v("total_ahs_length", p.total_ahs_length);
  v("data_segment_length", p.data_segment_length);
  v("initiator_task_tag", p.initiator_task_tag);
}
template <typename V>
void Request(V& v, auto& p) {
  Lengths(v, p);
  v("immediate", p.immediate);
  v("exp_stat_sn", p.exp_stat_sn);
}
template <typename V>
void Response(V& v, auto& p) {
  Lengths(v, p);
  v("stat_sn", p.stat_sn);
  v("exp_cmd_sn", p.exp_cmd_sn);
  v("max_cmd_sn", p.max_cmd_sn);
}
template <typename V>
void Visit(V& v, NopOut& p) {
  Request(v, p);
  v("final", p.final);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
  v("cmd_sn", p.cmd_sn);
}
template <typename V>
void Visit(V& v, ScsiCommand& p) {
  Request(v, p);
  v("final", p.final);
  v("read", p.read);
  v("write", p.write);
  v("attr", p.attr);
  v("priority", p.priority);
  v("lun_bytes", p.lun);
  v("expected_data_transfer_length", p.expected_data_transfer_length);
  v("cmd_sn", p.cmd_sn);
  v("cdb", p.cdb);
}
template <typename V>
void Visit(V& v, TaskManagementRequest& p) {
  Request(v, p);
  v("final", p.final);
  v("function", p.function);
  v("lun_bytes", p.lun);
  v("referenced_task_tag", p.referenced_task_tag);
  v("cmd_sn", p.cmd_sn);
  v("ref_cmd_sn", p.ref_cmd_sn);
  v("exp_data_sn", p.exp_data_sn);
}
template <typename V>
void LoginFields(V& v, auto& p) {
  v("transit", p.transit);
  v("text_continue", p.text_continue);
  v("current_stage", p.current_stage);
  v("next_stage", p.next_stage);
  v("version_max", p.version_max);
  v("isid", p.isid);
  v("tsih", p.tsih);
}
template <typename V>
void Visit(V& v, LoginRequest& p) {
  Request(v, p);
  LoginFields(v, p);
  v("version_min", p.version_min);
  v("cid", p.cid);
  v("cmd_sn", p.cmd_sn);
}
template <typename V>
void Visit(V& v, TextRequest& p) {
  Request(v, p);
  v("final", p.final);
  v("text_continue", p.text_continue);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
  v("cmd_sn", p.cmd_sn);
}
template <typename V>
void Visit(V& v, DataOut& p) {
  Request(v, p);
  v("final", p.final);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
  v("data_sn", p.data_sn);
  v("buffer_offset", p.buffer_offset);
}
template <typename V>
void Visit(V& v, LogoutRequest& p) {
  Request(v, p);
  v("final", p.final);
  v("reason", p.reason);
  v("cid", p.cid);
  v("cmd_sn", p.cmd_sn);
}
template <typename V>
void Visit(V& v, SnackRequest& p) {
  Request(v, p);
  v("final", p.final);
  v("type", p.type);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
  v("beg_run", p.beg_run);
  v("run_length", p.run_length);
}
template <typename V>
void Visit(V& v, NopIn& p) {
  Response(v, p);
  v("final", p.final);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
}
template <typename V>
void Visit(V& v, ScsiResponse& p) {
  Response(v, p);
  v("final", p.final);
  v("bidirectional_read_overflow", p.bidirectional_read_overflow);
  v("bidirectional_read_underflow", p.bidirectional_read_underflow);
  v("residual_overflow", p.residual_overflow);
  v("residual_underflow", p.residual_underflow);
  v("response", p.response);
  v("status", p.status);
  v("status_qualifier", p.status_qualifier);
  v("snack_tag", p.snack_tag);
  v("exp_data_sn", p.exp_data_sn);
  v("bidirectional_read_residual_count", p.bidirectional_read_residual_count);
  v("residual_count", p.residual_count);
}
template <typename V>
void Visit(V& v, TaskManagementResponse& p) {
  Response(v, p);
  v("final", p.final);
  v("response", p.response);
  v("additional_response_information", p.additional_response_information);
}
template <typename V>
void Visit(V& v, LoginResponse& p) {
  Response(v, p);
  LoginFields(v, p);
  v("version_active", p.version_active);
  v("status_class", p.status_class);
  v("status_detail", p.status_detail);
}
template <typename V>
void Visit(V& v, TextResponse& p) {
  Response(v, p);
  v("final", p.final);
  v("text_continue", p.text_continue);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
}
template <typename V>
void Visit(V& v, DataIn& p) {
  Response(v, p);
  v("final", p.final);
  v("acknowledge", p.acknowledge);
  v("residual_overflow", p.residual_overflow);
  v("residual_underflow", p.residual_underflow);
  v("status_present", p.status_present);
  v("status", p.status);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
  v("data_sn", p.data_sn);
  v("buffer_offset", p.buffer_offset);
  v("residual_count", p.residual_count);
}
template <typename V>
void Visit(V& v, LogoutResponse& p) {
  Response(v, p);
  v("final", p.final);
  v("response", p.response);
  v("time2wait", p.time2wait);
  v("time2retain", p.time2retain);
}
template <typename V>
void Visit(V& v, R2t& p) {
  Response(v, p);
  v("final", p.final);
  v("lun_bytes", p.lun);
  v("target_transfer_tag", p.target_transfer_tag);
  v("r2t_sn", p.r2t_sn);
  v("buffer_offset", p.buffer_offset);
  v("desired_data_transfer_length", p.desired_data_transfer_length);
}
template <typename V>
void Visit(V& v, AsyncMessage& p) {
  Response(v, p);
  v("final", p.final);
  v("lun_bytes", p.lun);
  v("async_event", p.async_event);
  v("async_vcode", p.async_vcode);
  v("parameter1", p.parameter1);
  v("parameter2", p.parameter2);
  v("parameter3", p.parameter3);
}
template <typename V>
void Visit(V& v, Reject& p) {
  Response(v, p);
  v("final", p.final);
  v("reason", p.reason);
  v("data_sn_or_r2t_sn", p.data_sn_or_r2t_sn);
}

template <typename T>
constexpr bool kIsBytes = false;
template <size_t n>
constexpr bool kIsBytes<std::array<uint8_t, n>> = true;

// Reads each field's value out of the file into the struct.
struct Fill {
  const Golden& golden;
  std::set<std::string> used;

  template <typename T>
  void operator()(const std::string& name, T& field) {
    const auto found = golden.fields.find(name);
    ASSERT_NE(found, golden.fields.end()) << "no field " << name;
    used.insert(name);
    const std::string& value = found->second;
    if constexpr (kIsBytes<T>) {
      ASSERT_EQ(value.substr(0, 4), "hex:");
      const auto bytes = base::ParseHex(value.substr(4));
      ASSERT_TRUE(bytes && bytes->size() == field.size()) << name;
      std::copy(bytes->begin(), bytes->end(), field.begin());
    } else {
      field = static_cast<T>(std::stoull(value, nullptr, 0));
    }
  }
};

template <typename Pdu>
void Check(const Golden& golden) {
  Pdu expected;
  Fill fill{golden, {}};
  Visit(fill, expected);
  const Bhs bhs = golden.bhs();
  EXPECT_TRUE(Pdu::Decode(BhsView(bhs)) == expected) << "decoded differently";
  EXPECT_EQ(base::Hex(expected.Encode()), base::Hex(bhs));
  if constexpr (requires { expected.lun; }) {
    const auto lun = DecodeLun(expected.lun);
    ASSERT_TRUE(lun.has_value());
    EXPECT_EQ(*lun, std::stoull(golden.fields.at("lun"), nullptr, 0));
    EXPECT_EQ(EncodeLun(*lun), expected.lun);
    fill.used.insert("lun");
  }
  for (const auto& [name, value] : golden.fields) {
    EXPECT_TRUE(fill.used.contains(name) || name.starts_with("ahs.")) << "unused field " << name;
  }
}

void CheckParts(const Golden& golden) {
  const Bhs bhs = golden.bhs();
  const BhsView view(bhs);
  EXPECT_EQ(golden.part("bhs").size(), kBhsBytes);
  EXPECT_EQ(golden.part("ahs").size(), view.ahs_bytes());
  EXPECT_EQ(golden.part("data").size(), view.data_segment_length());
  EXPECT_EQ(golden.part("pad").size(), view.pad_bytes());

  AhsReader reader(golden.part("ahs"));
  for (int i = 0; true; ++i) {
    const std::string prefix = "ahs." + std::to_string(i) + ".";
    const auto next = reader.Next();
    if (std::holds_alternative<std::monostate>(next)) {
      EXPECT_FALSE(golden.fields.contains(prefix + "ahs_type"));
      break;
    }
    const Ahs* ahs = std::get_if<Ahs>(&next);
    ASSERT_NE(ahs, nullptr);
    EXPECT_EQ(ahs->length, std::stoul(golden.fields.at(prefix + "ahs_length")));
    EXPECT_EQ(ahs->type, std::stoul(golden.fields.at(prefix + "ahs_type")));
    EXPECT_EQ("hex:" + base::Hex(ahs->specific), golden.fields.at(prefix + "specific"));
  }

  const auto digest_of = [&](const char* first, const char* second) {
    Crc32c crc;
    crc.Add(golden.part(first));
    crc.Add(golden.part(second));
    std::vector<uint8_t> stored(kDigestBytes);
    crc.Store(stored.data());
    return base::Hex(stored);
  };
  if (golden.parts.contains("header_digest")) {
    EXPECT_EQ(digest_of("bhs", "ahs"), base::Hex(golden.part("header_digest")));
  }
  if (golden.parts.contains("data_digest")) {
    EXPECT_EQ(digest_of("data", "pad"), base::Hex(golden.part("data_digest")));
  }
}

struct Kind {
  Opcode opcode;
  void (*check)(const Golden&);
};
const std::map<std::string, Kind>& Kinds() {
  static const std::map<std::string, Kind> kKinds = {
      {"nop_out", {Opcode::kNopOut, Check<NopOut>}},
      {"scsi_command", {Opcode::kScsiCommand, Check<ScsiCommand>}},
      {"task_management_request", {Opcode::kTaskManagementRequest, Check<TaskManagementRequest>}},
      {"login_request", {Opcode::kLoginRequest, Check<LoginRequest>}},
      {"text_request", {Opcode::kTextRequest, Check<TextRequest>}},
      {"data_out", {Opcode::kDataOut, Check<DataOut>}},
      {"logout_request", {Opcode::kLogoutRequest, Check<LogoutRequest>}},
      {"snack_request", {Opcode::kSnackRequest, Check<SnackRequest>}},
      {"nop_in", {Opcode::kNopIn, Check<NopIn>}},
      {"scsi_response", {Opcode::kScsiResponse, Check<ScsiResponse>}},
      {"task_management_response",
       {Opcode::kTaskManagementResponse, Check<TaskManagementResponse>}},
      {"login_response", {Opcode::kLoginResponse, Check<LoginResponse>}},
      {"text_response", {Opcode::kTextResponse, Check<TextResponse>}},
      {"data_in", {Opcode::kDataIn, Check<DataIn>}},
      {"logout_response", {Opcode::kLogoutResponse, Check<LogoutResponse>}},
      {"r2t", {Opcode::kR2t, Check<R2t>}},
      {"async_message", {Opcode::kAsyncMessage, Check<AsyncMessage>}},
      {"reject", {Opcode::kReject, Check<Reject>}},
  };
  return kKinds;
}

TEST(GoldenTest, EveryFileDecodesAndEncodes) {
  std::set<std::string> seen;
  for (const auto& file : std::filesystem::directory_iterator("testdata/golden")) {
    if (file.path().extension() != ".txt") continue;
    SCOPED_TRACE(file.path().filename().string());
    const Golden golden = Read(file.path());
    const auto kind = Kinds().find(golden.kind);
    ASSERT_NE(kind, Kinds().end()) << golden.kind;
    seen.insert(golden.kind);
    EXPECT_EQ(BhsView(golden.bhs()).opcode(), kind->second.opcode);
    kind->second.check(golden);
    CheckParts(golden);
  }
  EXPECT_EQ(seen.size(), Kinds().size()) << "a kind of PDU has no file";
}

}  // namespace
}  // namespace pushpull::target
