// Rules about names in SCSI data. In these traces the login's names are
// iqn.2026-01.org.example:i, ISID 800102030405, and iqn.2026-01.org.example:t, portal group 1.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

const char kTarget[] = "iqn.2026-01.org.example:t";
const char kInitiator[] = "iqn.2026-01.org.example:i";

std::string Escaped(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) absl::StrAppendFormat(&text, "\\x%02x", static_cast<uint8_t>(byte));
  return text;
}

// A command that reads, and its data with status GOOD in one Data-In.
std::string Reads(const std::string& cdb, const std::string& data) {
  return Lines(
      {absl::StrCat("> scsi_command { read: true expected_data_transfer_length: ", data.size(),
                    " cdb { raw: '", cdb, "' } }"),
       absl::StrCat("< data_in { status_present: true } data { raw: '", Escaped(data), "' }")});
}

std::string WithNul(std::string name) { return absl::StrCat(name, std::string(1, '\0')); }

// One designator of the Device Identification page. `head`: protocol and code set, then PIV,
// association and type.
std::string Page83(const std::string& head, std::string name) {
  name.resize((name.size() + 3) / 4 * 4);
  const char length = static_cast<char>(name.size());
  const std::string page = head + std::string(1, '\0') + length + name;
  return Reads("\\x12\\x01\\x83\\x00\\xff\\x00",
               std::string("\0\x83\0", 3) + static_cast<char>(page.size()) + page);
}

std::string Login(const std::string& trace) { return absl::StrCat("login\n", trace); }

const std::string kOfPort = "\x53\x98";
const std::string kOfDevice = "\x53\xa8";

std::vector<RuleCase> PageCases() {
  const std::string right = Login(Page83(kOfPort, WithNul(absl::StrCat(kTarget, ",t,0x0001"))));
  const auto port = [](const std::string& name) { return Login(Page83(kOfPort, WithNul(name))); };
  return {
      {"scsi_port_name", port(absl::StrCat(kTarget, ",t,0x0002")), right},
      {"scsi_port_name", port(absl::StrCat(kTarget, ",t,0x1")),
       port(absl::StrCat(kTarget, ",t,0X0001"))},
      {"scsi_port_name", port(absl::StrCat(kTarget, ",i,0x0001")),
       port("IQN.2026-01.org.example:T,t,0x0001")},
      {"scsi_port_name", port(kTarget), port("naa.5000000000000001,t,0x0001")},
      {"scsi_port_name", port("iqn.2026-01.org.example:u,t,0x0001"),
       // Of another protocol.
       Login(Page83("\x03\x98", WithNul("iqn.2026-01.org.example:u,t,0x0001")))},
      {"scsi_device_name", Login(Page83(kOfDevice, WithNul("iqn.2026-01.org.example:u"))),
       Login(Page83(kOfDevice, WithNul(kTarget)))},
      // 25 and 3 letters: no pad follows.
      {"scsi_device_name", Login(Page83(kOfDevice, absl::StrCat(kTarget, "abc"))),
       Login(Page83("\x03\x08", WithNul("iqn.2026-01.org.example:u")))},
  };
}

// READ FULL STATUS with one registration.
std::string FullStatus(const std::string& port) {
  std::string id = std::string("\x45\0\0", 3) + static_cast<char>(port.size() + 1) + WithNul(port);
  id.resize((id.size() + 3) / 4 * 4);
  std::string descriptor(20, '\0');
  descriptor += std::string(3, '\0') + static_cast<char>(id.size()) + id;
  return Reads("\\x5e\\x03\\x00\\x00\\x00\\x00\\x00\\x10\\x00\\x00",
               std::string(7, '\0') + static_cast<char>(descriptor.size()) + descriptor);
}

std::string Register(const std::string& key) {
  return Lines(
      {absl::StrCat("> scsi_command { write: true expected_data_transfer_length: 24 cdb { raw: "
                    "'\\x5f\\x06\\x00\\x00\\x00\\x00\\x00\\x00\\x18\\x00' } } data { raw: "
                    "'\\0\\0\\0\\0\\0\\0\\0\\0",
                    key, "\\0\\0\\0\\0\\0\\0\\0\\0' }"),
       "< scsi_response { }"});
}

std::vector<RuleCase> TransportIdCases() {
  const auto named = [](const std::string& mark) {
    return FullStatus(absl::StrCat(kInitiator, mark));
  };
  const std::string registered = Login(Register("PUSHPULL"));
  const std::string zero = "\\0\\0\\0\\0\\0\\0\\0\\0";
  return {
      {"transport_id_name", absl::StrCat(registered, named(",i,0x000000000000")),
       absl::StrCat(registered, named(",i,0x800102030405"))},
      // Whose registration it is isn't known.
      {"transport_id_name", absl::StrCat(registered, named(",i,0x800102030406")),
       Login(named(",i,0x800102030406"))},
      {"transport_id_name", absl::StrCat(registered, named(",i,0x800102030406")),
       absl::StrCat(registered, Register(zero), named(",i,0x800102030406"))},
      {"transport_id_name", Login(named(",i,0x8001020304")), Login(named(",i,0X800102030405"))},
      {"transport_id_name", Login(named(",t,0x800102030405")),
       Login(FullStatus("iqn.2026-01.org.example:j,t,0x800102030405"))},
      // Another session may have ended it.
      {"transport_id_name", absl::StrCat(registered, named(",i,0x800102030406")),
       absl::StrCat(registered,
                    Lines({"> scsi_command { cdb { raw: '\\x5f\\x03\\x00' } }",
                           "< scsi_response { status: RESERVATION_CONFLICT }"}),
                    named(",i,0x800102030406"))},
  };
}

std::string Standard(const std::string& versions) {
  std::string data(58, '\0');
  data[4] = static_cast<char>(58 + versions.size() - 5);
  return Reads("\\x12\\x00\\x00\\x00\\xff\\x00", data + versions);
}

std::vector<RuleCase> VersionCases() {
  const std::string level_2 = "login iSCSIProtocolLevel=2 / iSCSIProtocolLevel=2\n";
  const std::string level_1 = "login iSCSIProtocolLevel=2 / iSCSIProtocolLevel=1\n";
  return {
      {"version_descriptor", absl::StrCat(level_2, Standard("\x09\x61")),
       absl::StrCat(level_2, Standard("\x09\x62"))},
      {"version_descriptor", absl::StrCat(level_1, Standard("\x04\x60\x09\x60")),
       absl::StrCat(level_1, Standard("\x04\x60\x09\x61"))},
      // Nobody spoke of it; and none at all.
      {"version_descriptor", absl::StrCat(level_1, Standard("\x09\x62")),
       Login(Standard("\x09\x60"))},
      {"version_descriptor", absl::StrCat(level_1, Standard("\x09\x62")),
       absl::StrCat(level_1, Standard("\x04\x60"))},
  };
}

}  // namespace

std::vector<RuleCase> ScsiNameCases() {
  std::vector<RuleCase> all = PageCases();
  for (const auto& more : {TransportIdCases(), VersionCases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace pushpull::conformance
