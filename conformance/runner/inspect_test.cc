// What a run learns of a target before its first case, and what it says of one that it can't use.

#include "conformance/runner/inspect.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "conformance/runner/scripted_target.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kName[] = "iqn.2026-11.org.example:scripted";

// Serves, but for this command: it has this data.
std::string Answering(const std::string& cdb, size_t allocated, const std::string& data) {
  return absl::StrCat(
      R"(step { accept {} } step { accept_login {} }
    step { serve { until { scsi_command { cdb { )",
      cdb, R"( } } } or_closed: true } }
    step { expect { task: "c" one_of { pdu { scsi_command {} } }
                              one_of { closed: true ends: true } } }
    step { send { task: "c" pdu { data_in { final: true status_present: true)",
      data.size() < allocated
          ? absl::StrCat(" residual_underflow: true residual_count: ", allocated - data.size())
          : "",
      " } data { raw: \"", absl::CHexEscape(data), R"(" } } } }
    step { serve { or_closed: true } } epilogue: NOTHING)");
}

// Serves, but lists these in discovery. (It is asked again for a sign of life.)
std::string Listing(const std::string& text) {
  std::string script = "step { accept {} } step { accept_login {} }";
  for (const char* task : {"a", "b"}) {
    absl::StrAppend(&script, R"(
      step { serve { until { text_request {} } or_closed: true } }
      step { expect { task: ")",
                    task, R"("
        one_of { pdu { text_request {} } } one_of { closed: true ends: true } } }
      step { send { task: ")",
                    task, R"("
        pdu { text_response { final: true } data { raw: ")",
                    absl::CHexEscape(text), "\" } } } }");
  }
  return absl::StrCat(script, "step { serve { or_closed: true } } epilogue: NOTHING");
}

std::string Refusing(const std::string& status) {
  return absl::StrCat("step { accept {} } step { accept_login { status: ", status,
                      " } } step { close {} } epilogue: NOTHING");
}

std::string Luns(const std::vector<uint64_t>& luns) {
  std::string list(8, '\0');
  list[3] = static_cast<char>(8 * luns.size());
  for (const uint64_t lun : luns) {
    for (int byte = 7; byte >= 0; --byte) list += static_cast<char>(lun << 48 >> (8 * byte));
  }
  return list;
}

class InspectTest : public testing::Test {
 protected:
  absl::StatusOr<TargetFacts> Inspect(const std::string& script, const std::string& name = kName,
                                      std::optional<uint64_t> lun = {}) {
    targets_.script = [script](uint64_t) { return script; };
    return InspectTarget(&targets_, settings_, name, lun);
  }
  std::string ErrorOf(const std::string& script, const std::string& name = kName,
                      std::optional<uint64_t> lun = {}) {
    const auto facts = Inspect(script, name, lun);
    return facts.ok() ? "it is usable" : std::string(facts.status().message());
  }
  void WithChap() {
    settings_.chap.user = "me";
    settings_.chap.secret = "twelve bytes are the least";
  }

  ScriptedTargets targets_;
  PlaySettings settings_;
};

TEST_F(InspectTest, KnowsWhatThereIs) {
  const auto facts = Inspect(kServes);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->target_name, kName);
  EXPECT_THAT(facts->luns, ElementsAre(0));
  EXPECT_EQ(facts->identity, "PUSHPULL SCRIPTED TARGET 1");
  EXPECT_EQ(facts->block_size, 512u);
  EXPECT_EQ(facts->block_count, 32768u);
  EXPECT_EQ(facts->max_transfer_blocks, 0u) << "it has no Block Limits page";
  EXPECT_EQ(facts->mode_pages.size(), 4u);
  EXPECT_FALSE(facts->write_protected);
  EXPECT_FALSE(facts->authentication_required);
  EXPECT_FALSE(facts->forgets_writes);
}

// ---- the target's name -----------------------------------------------------------------------

TEST_F(InspectTest, FindsTheNameByDiscovery) {
  const std::string one = absl::StrCat("TargetName=", kName);
  const std::string address = "TargetAddress=192.0.2.5:3260,1";
  const auto listing = [&](const std::vector<std::string>& pairs) {
    std::string text;
    for (const std::string& pair : pairs) text += pair + '\0';
    return Listing(text);
  };
  for (const auto& pairs : {std::vector<std::string>{one, address}, {one, address, one}}) {
    const auto facts = Inspect(listing(pairs), "");
    ASSERT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->target_name, kName);
  }
  EXPECT_THAT(
      ErrorOf(listing({one, address, "TargetName=iqn.2026-11.b"}), ""),
      EndsWith(absl::StrCat("there are 2 targets; name one of them: ", kName, ", iqn.2026-11.b")));
  EXPECT_TRUE(absl::IsUnavailable(Inspect(listing({}), "").status()));
  EXPECT_THAT(ErrorOf(listing({}), ""),
              AllOf(HasSubstr("discovery lists no target; name one: tcp://192.0.2.5/IQN")));
}

TEST_F(InspectTest, OfManyTargetsTenAreNamed) {
  std::string text;
  for (int i = 10; i < 22; ++i) text += absl::StrCat("TargetName=iqn.2026-11.a:", i) + '\0';
  const std::string error = ErrorOf(Listing(text), "");
  EXPECT_THAT(error, AllOf(HasSubstr("there are 12 targets"), EndsWith("iqn.2026-11.a:19")));
}

TEST_F(InspectTest, DiscoveryThatFailsIsSaidToBeOne) {
  const std::string refused = ErrorOf(Refusing("0x0201"), "");
  EXPECT_THAT(refused, HasSubstr("\n(This was the discovery of the target's name: with the IQN"));
  EXPECT_THAT(ErrorOf(Refusing("0x0201")), Not(HasSubstr("discovery")));
  EXPECT_THAT(ErrorOf(kHangsUp, ""), Not(HasSubstr("discovery"))) << "it answered nothing";
  WithChap();
  for (const char* status : {"0x0201", "0x0202"}) {
    EXPECT_THAT(ErrorOf(Refusing(status), ""), HasSubstr("which may have another CHAP account"));
  }
  EXPECT_THAT(ErrorOf(Refusing("0x0203"), ""), Not(HasSubstr("CHAP account")));
}

TEST_F(InspectTest, CredentialsAreJudgedByTheNormalSession) {
  WithChap();
  // Discovery lets everybody in.
  int made = 0;
  targets_.script = [&made](uint64_t) {
    return made++ == 0 ? Listing(absl::StrCat("TargetName=", kName) + '\0') : Refusing("0x0300");
  };
  const auto facts = InspectTarget(&targets_, settings_, "", {});
  EXPECT_EQ(made, 2);
  EXPECT_TRUE(absl::IsUnavailable(facts.status())) << facts.status();
}

TEST_F(InspectTest, AsksForAllTargets) {
  const auto facts = Inspect(kServes, "");
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->target_name, kName);
}

// ---- logins ----------------------------------------------------------------------------------

TEST_F(InspectTest, ARefusalHasAHint) {
  const std::pair<const char*, const char*> kHints[] = {
      {"0x0101", "; give the address that it names as --target"},
      {"0x0102", "; give the address that it names as --target"},
      {"0x0201", "; does it ask for CHAP? --chap-user and --chap-secret-file"},
      {"0x0202", "; does it let this initiator in? --initiator-name"},
      {"0x0203", "; is the IQN right? Where --target has none, discovery finds it"},
  };
  for (const auto& [status, hint] : kHints) {
    const auto facts = Inspect(Refusing(status));
    EXPECT_TRUE(absl::IsUnavailable(facts.status())) << facts.status();
    EXPECT_THAT(ErrorOf(Refusing(status)), HasSubstr(hint)) << status;
  }
  EXPECT_THAT(ErrorOf(Refusing("0x0300")), Not(HasSubstr("?")));
  EXPECT_THAT(ErrorOf(Refusing("0x0203")), HasSubstr(" finds it; came: Login Response\n"));
  WithChap();
  EXPECT_THAT(ErrorOf(Refusing("0x0201")),
              HasSubstr("; it has no CHAP for this login: leave --chap-user"));
}

TEST_F(InspectTest, CredentialsThatNobodyAsksForAreAUsageError) {
  WithChap();
  const auto facts = Inspect(kServes);
  EXPECT_TRUE(absl::IsInvalidArgument(facts.status())) << facts.status();
  EXPECT_THAT(ErrorOf(kServes), HasSubstr("lets initiators in without CHAP"));
}

// ---- LUNs ------------------------------------------------------------------------------------

constexpr char kReportLuns[] = "report_luns { allocation_length: 2056 }";

TEST_F(InspectTest, TakesDisksAlone) {
  // There is a disk at LUN 0.
  const auto facts = Inspect(Answering(kReportLuns, 2056, Luns({1, 0, 5})));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_THAT(facts->luns, ElementsAre(0));
  EXPECT_THAT(ErrorOf(Answering(kReportLuns, 2056, Luns({1, 5}))),
              HasSubstr(absl::StrCat("there is no disk among the LUNs of ", kName)));
  EXPECT_THAT(ErrorOf(Answering(kReportLuns, 2056, Luns({}))), HasSubstr("there is no disk"));
}

TEST_F(InspectTest, LooksAtTheFirstEightLuns) {
  EXPECT_EQ(ErrorOf(Answering(kReportLuns, 2056, Luns({1, 2, 3, 4, 5, 6, 7, 0}))), "it is usable");
  EXPECT_THAT(ErrorOf(Answering(kReportLuns, 2056, Luns({1, 2, 3, 4, 5, 6, 7, 8, 0}))),
              HasSubstr("there is no disk"));
}

TEST_F(InspectTest, TakesTheLunThatWasNamed) {
  const auto facts = Inspect(Answering(kReportLuns, 2056, Luns({})), kName, 0);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_THAT(facts->luns, ElementsAre(0));
  EXPECT_THAT(ErrorOf(kServes, kName, 5),
              HasSubstr(absl::StrCat("LUN 5 of ", kName, " isn't there, or is no disk")));
}

TEST_F(InspectTest, ADiskIsOfTypeZeroAndSaysWhoItIs) {
  constexpr char kInquiry[] = "inquiry { allocation_length: 36 }";
  std::string inquiry(36, ' ');
  inquiry[0] = '\0';
  inquiry.replace(8, 28, "ACME    Rust Bucket     1.23");
  const auto facts = Inspect(Answering(kInquiry, 36, inquiry));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->identity, "ACME Rust Bucket 1.23");
  EXPECT_THAT(ErrorOf(Answering(kInquiry, 36, inquiry.substr(0, 35))), HasSubstr("no disk"));
  inquiry[0] = '\x05';
  EXPECT_THAT(ErrorOf(Answering(kInquiry, 36, inquiry)), HasSubstr("no disk"));
}

// One may come at any time.
TEST_F(InspectTest, StandsUnitAttentions) {
  const std::string attention = R"(step { accept {} } step { accept_login {} }
    step { serve { until { scsi_command { cdb { inquiry { allocation_length: 36 } } } }
                   or_closed: true } }
    step { expect { task: "c" one_of { pdu { scsi_command {} } }
                              one_of { closed: true ends: true } } }
    step { send { task: "c" pdu {
      scsi_response { status: CHECK_CONDITION residual_underflow: true residual_count: 36 }
      data { raw: "\0\x12\x70\0\x06\0\0\0\0\x0a\0\0\0\0\x29\0\0\0\0\0" } } } }
    step { serve { or_closed: true } } epilogue: NOTHING)";
  EXPECT_EQ(ErrorOf(attention), "it is usable");
}

// RFC 7143 §11.7: data may come in any number of Data-In PDUs.
TEST_F(InspectTest, TakesAnswersInPieces) {
  const std::string inquiry = std::string(8, '\0') + "ACME    Rust Bucket     1.23";
  const auto piece = [&inquiry](size_t from, size_t to, int number, const char* rest) {
    return absl::StrCat("step { send { task: \"c\" pdu { data_in { buffer_offset: ", from,
                        " data_sn: ", number, " ", rest, " } data { raw: \"",
                        absl::CHexEscape(inquiry.substr(from, to - from)), "\" } } } }");
  };
  const auto facts = Inspect(absl::StrCat(R"(step { accept {} } step { accept_login {} }
    step { serve { until { scsi_command { cdb { inquiry { allocation_length: 36 } } } }
                   or_closed: true } }
    step { expect { task: "c" one_of { pdu { scsi_command {} } }
                              one_of { closed: true ends: true } } })",
                                          piece(0, 20, 0, ""),
                                          piece(20, 36, 1, "final: true status_present: true"),
                                          "step { serve { or_closed: true } } epilogue: NOTHING"));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->identity, "ACME Rust Bucket 1.23");
}

TEST_F(InspectTest, ReadsTheCapacity) {
  constexpr char kCapacity[] = "read_capacity { size: 16 allocation_length: 32 }";
  const std::string capacity("\0\0\0\1\0\0\0\7\0\0\x10\0", 12);
  const auto facts = Inspect(Answering(kCapacity, 32, capacity));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->block_count, 0x100000008u);
  EXPECT_EQ(facts->block_size, 4096u);
  EXPECT_EQ(ErrorOf(Answering(kCapacity, 32, capacity.substr(0, 11))),
            "READ CAPACITY(16) gave less than 12 bytes");
}

// ---- what a LUN need not have ----------------------------------------------------------------

TEST_F(InspectTest, ReadsModePages) {
  constexpr char kModeSense[] = "mode_sense { page_code: 0x3f }";
  const auto pages = [&](const std::string& data) {
    const auto facts = Inspect(Answering(kModeSense, 255, data));
    EXPECT_TRUE(facts.ok()) << facts.status();
    return facts.ok() ? *facts : TargetFacts();
  };
  const std::string kProtected("\x03\0\x80\0", 4);
  EXPECT_TRUE(pages(kProtected).write_protected);
  EXPECT_EQ(pages(kProtected).mode_pages, kProtected);
  EXPECT_FALSE(pages(std::string("\x03\0\x7f\0", 4)).write_protected) << "DPOFUA and others";
  EXPECT_TRUE(pages(kProtected.substr(0, 3)).write_protected);
  EXPECT_EQ(pages(kProtected.substr(0, 2)).mode_pages, "") << "cut off";
}

TEST_F(InspectTest, ReadsTheTransferLimit) {
  constexpr char kLimits[] = "inquiry { evpd: true page_code: 0xb0 }";
  const auto limit = [&](const std::string& data) {
    const auto facts = Inspect(Answering(kLimits, 255, data));
    EXPECT_TRUE(facts.ok()) << facts.status();
    return facts.ok() ? facts->max_transfer_blocks : 1;
  };
  std::string page(12, '\0');
  page[1] = '\xb0';
  page[9] = '\x01';
  page[11] = '\x02';
  EXPECT_EQ(limit(page), 0x10002u);
  EXPECT_EQ(limit(page.substr(0, 11)), 0u) << "cut off";
  page[1] = '\xb1';
  EXPECT_EQ(limit(page), 0u) << "another page";
}

// ---- whether it keeps what is written --------------------------------------------------------

TEST_F(InspectTest, ALunThatForgetsWhatIsWrittenIsKnown) {
  const auto forgets = [&](const std::string& script) {
    TargetFacts facts;
    facts.target_name = kName;
    facts.luns = {0};
    facts.block_size = 512;
    facts.block_count = 32768;
    targets_.script = [script](uint64_t) { return script; };
    InspectKeeping(&targets_, settings_, &facts);
    return facts.forgets_writes;
  };
  constexpr char kRead[] = "read { blocks: 1 }";
  EXPECT_FALSE(forgets(kServes));
  EXPECT_TRUE(forgets(Answering(kRead, 512, std::string(512, '\0'))));
  EXPECT_FALSE(forgets(Answering(kRead, 512, std::string(511, '\0') + 'x')))
      << "something else is for the cases to judge";
  EXPECT_FALSE(forgets(Answering(kRead, 512, std::string(511, '\0'))));
  EXPECT_FALSE(forgets(kHangsUp));
}

TEST_F(InspectTest, NothingIsWrittenWhereNothingCanBe) {
  const auto look = [&](uint32_t block_size, bool write_protected) {
    TargetFacts facts;
    facts.luns = {0};
    facts.block_size = block_size;
    facts.write_protected = write_protected;
    InspectKeeping(&targets_, settings_, &facts);
  };
  look(512, true);
  look(0, false);
  look((1 << 16) + 1, false);
  EXPECT_THAT(targets_.seeds(), IsEmpty());
  look(1 << 16, false);
  EXPECT_THAT(targets_.seeds(), SizeIs(1));
}

// ---- what the user said ----------------------------------------------------------------------

TEST_F(InspectTest, ScratchBlocksMustBeThere) {
  TargetFacts facts;
  facts.luns = {3};
  facts.block_count = 100;
  EXPECT_TRUE(CheckScratch(settings_, facts, "uri").ok());
  settings_.scratch_lba = 90;
  settings_.scratch_last_lba = 99;
  EXPECT_TRUE(CheckScratch(settings_, facts, "uri").ok());
  settings_.scratch_last_lba = 100;
  EXPECT_EQ(CheckScratch(settings_, facts, "uri").message(),
            "--scratch-lba 90-100: LUN 3 of uri has 100 blocks, 0-99");
  facts.block_count = 0;
  EXPECT_THAT(std::string(CheckScratch(settings_, facts, "uri").message()),
              EndsWith("has 0 blocks, 0-0"));
}

TEST(AboutTest, AUriThatEndsWithAColonHasItOnce) {
  EXPECT_EQ(About("tcp://h"), "tcp://h: ");
  EXPECT_EQ(About("embedded:"), "embedded: ");
}

}  // namespace
}  // namespace pushpull::conformance
