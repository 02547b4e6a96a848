// Rules about how long SCSI parameter data is, and about the lists in it.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

// A command that reads `expected` bytes, and its data, in hex, with status GOOD.
std::string Asks(const std::string& cdb, const std::string& data, size_t expected = 255) {
  std::string bytes;
  for (size_t at = 0; at + 1 < data.size(); at += 3) {
    bytes += static_cast<char>(std::stoi(data.substr(at, 2), nullptr, 16));
  }
  std::string escaped;
  for (const char byte : bytes)
    absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<uint8_t>(byte));
  const std::string underflow =
      bytes.size() < expected
          ? absl::StrCat(" residual_underflow: true residual_count: ", expected - bytes.size())
          : "";
  return Lines({absl::StrCat("> scsi_command { read: true expected_data_transfer_length: ",
                             expected, " cdb { raw: '", cdb, "' } }"),
                absl::StrCat("< data_in { status_present: true", underflow, " } data { raw: '",
                             escaped, "' }")});
}

const std::string kPage00 = "\\x12\\x01\\x00\\x00\\xff";
const std::string kPage83 = "\\x12\\x01\\x83\\x00\\xff";
const std::string kStandard = "\\x12\\x00\\x00\\x00\\xff";
const std::string kStandardOf5 = "\\x12\\x00\\x00\\x00\\x05";
const std::string kMode6 = "\\x1a\\x08\\x3f\\x00\\xff";
const std::string kMode10 = "\\x5a\\x08\\x3f\\x00\\x00\\x00\\x00\\x00\\xff";
const std::string kKeys = "\\x5e\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xff";
const std::string kReservation = "\\x5e\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\xff";
const std::string kLuns = "\\xa0\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xff";
const std::string kGroups = "\\xa3\\x0a\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xff";

std::vector<RuleCase> LengthCases() {
  const char* const rule = "scsi_length_right";
  return {
      // More than there is, less, and as much as there is room for.
      {rule, Asks(kPage00, "00 00 00 01 00 80"), Asks(kPage00, "00 00 00 02 00 80")},
      {rule, Asks(kPage00, "00 00 00 03 00 80"), Asks(kPage00, "00 00 00 03 00 80", 6)},
      {rule, Asks(kStandardOf5, "00 00 06 12 01 00"), Asks(kStandardOf5, "00 00 06 12 1f")},
      {rule, Asks(kStandard, "00 00 06 12 02 00"), Asks(kStandard, "00 00 06 12 02 00 00")},
      // Too little to say.
      {rule, Asks(kStandardOf5, "00 00 06 12 1f 00"), Asks(kStandard, "00 00 06 12", 4)},
      {rule, Asks(kMode6, "04 00 00 00"), Asks(kMode6, "03 00 00 00")},
      {rule, Asks(kMode10, "00 07 00 00 00 00 00 00"), Asks(kMode10, "00 06 00 00 00 00 00 00")},
      {rule, Asks(kKeys, "00 00 00 01 00 00 00 08"), Asks(kKeys, "00 00 00 01 00 00 00 00")},
      {rule, Asks(kLuns, "00 00 00 08 00 00 00 00"),
       Asks(kLuns, "00 00 00 08 00 00 00 00 00 01 00 00 00 00 00 00")},
      {rule, Asks(kGroups, "00 00 00 01"), Asks(kGroups, "00 00 00 00")},
  };
}

std::vector<RuleCase> ListCases() {
  const char* const rule = "scsi_list_whole";
  return {
      {rule, Asks(kPage00, "00 00 00 03 00 83 80"), Asks(kPage00, "00 00 00 03 00 80 83")},
      {rule, Asks(kPage00, "00 00 00 02 80 83"), Asks(kPage00, "00 00 00 01 00")},
      {rule, Asks(kPage00, "00 00 00 00"), Asks(kPage00, "00 00 00 02 00 ff")},
      {rule, Asks(kPage00, "00 80 00 01 00"), Asks(kPage00, "00 00 00 01 00")},
      // Designators: cut, of a wrong length, with bytes behind.
      {rule, Asks(kPage83, "00 83 00 08 02 01 00 05 41 42 43 44"),
       Asks(kPage83, "00 83 00 08 02 01 00 04 41 42 43 44")},
      {rule, Asks(kPage83, "00 83 00 08 01 03 00 04 31 00 00 00"),
       Asks(kPage83, "00 83 00 0c 01 03 00 08 31 00 00 00 00 00 00 01")},
      {rule, Asks(kPage83, "00 83 00 07 01 14 00 03 00 00 01"),
       Asks(kPage83, "00 83 00 08 01 14 00 04 00 00 00 01")},
      {rule, Asks(kPage83, "00 83 00 09 01 15 00 04 00 00 00 01 00"),
       Asks(kPage83, "00 83 00 08 01 15 00 04 00 00 00 01")},
      // Mode pages, with subpages and block descriptors.
      {rule, Asks(kMode6, "07 00 00 00 08 03 00 00"), Asks(kMode6, "07 00 00 00 08 02 00 00")},
      {rule, Asks(kMode6, "06 00 00 00 08 00 00"), Asks(kMode6, "05 00 00 00 08 00")},
      {rule, Asks(kMode6, "03 00 00 08"), Asks(kMode6, "0b 00 00 08 00 00 00 00 00 00 02 00")},
      {rule, Asks(kMode10, "00 0c 00 00 00 00 00 00 4a 01 00 03 00 00"),
       Asks(kMode10, "00 0c 00 00 00 00 00 00 4a 01 00 02 00 00")},
      {rule, Asks(kMode10, "00 08 00 00 00 00 00 00 4a 01"),
       Asks(kMode10, "00 08 00 00 00 00 00 00 0a 00")},
      {rule, Asks(kLuns, "00 00 00 04 00 00 00 00 00 01 00 00"),
       Asks(kLuns, "00 00 00 00 00 00 00 00")},
      {rule, Asks(kLuns, "00 00 00 10 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00"),
       Asks(kLuns, "00 00 00 10 00 00 00 00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00")},
      {rule, Asks(kKeys, "00 00 00 01 00 00 00 04 41 41 41 41"),
       Asks(kKeys, "00 00 00 01 00 00 00 08 41 41 41 41 41 41 41 41")},
      {rule, Asks(kReservation, "00 00 00 01 00 00 00 08 41 41 41 41 41 41 41 41"),
       Asks(kReservation, "00 00 00 01 00 00 00 00")},
  };
}

}  // namespace

std::vector<RuleCase> ScsiListCases() {
  std::vector<RuleCase> all = LengthCases();
  for (RuleCase& more : ListCases()) all.push_back(std::move(more));
  for (RuleCase& each : all) {
    each.broken = absl::StrCat("login\n", each.broken);
    each.right = absl::StrCat("login\n", each.right);
  }
  return all;
}

}  // namespace pushpull::conformance
