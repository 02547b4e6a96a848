#include "target/config.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// RFC7143-15-a: 3260 where nothing else is said.
TEST(ConfigTest, ListenUris) {
  struct Case {
    const char* uri;
    const char* host;
    int port;  // -1: an error
  };
  const Case cases[] = {
      {"tcp://127.0.0.1:3261", "127.0.0.1", 3261},
      {"tcp://127.0.0.1", "127.0.0.1", 3260},
      {"tcp://127.0.0.1/", "127.0.0.1", 3260},
      {"tcp://localhost:0", "localhost", 0},
      {"tcp://[::1]:99", "::1", 99},
      {"tcp://[::1]", "::1", 3260},
      {"tcp://", "", 3260},
      {"tcp://:3262", "", 3262},
      {"tcp://::1", "", -1},
      {"tcp://[::1", "", -1},
      {"tcp://[::1]99", "", -1},
      {"tcp://host:65536", "", -1},
      {"tcp://host:", "", -1},
      {"tcp://host:x", "", -1},
      {"tcp://host/iqn.2001-04.com.x", "", -1},
      {"host:3260", "", -1},
      {"", "", -1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.uri);
    const auto address = ParseListenUri(c.uri);
    ASSERT_EQ(address.ok(), c.port >= 0);
    if (c.port < 0) {
      EXPECT_THAT(std::string(address.status().message()), HasSubstr(c.uri));
      continue;
    }
    EXPECT_EQ(address->address.host, c.host);
    EXPECT_EQ(address->address.port, c.port);
    EXPECT_FALSE(address->iser);
    const std::string over_rdma = "iser" + std::string(c.uri).substr(3);
    const auto iser = ParseListenUri(over_rdma);
    ASSERT_TRUE(iser.ok());
    EXPECT_EQ(*iser, (Listening{true, address->address}));
  }
}

TEST(ConfigTest, SilenceMeansDefaults) {
  const auto options = OptionsFromConfig(LoadedConfig());
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->node.name, NodeOptions().name);
  EXPECT_EQ(options->node.queue_depth, 128u);
  EXPECT_EQ(options->node.login_timeout, absl::Seconds(15));
  EXPECT_EQ(options->node.target_portal_group_tag, 1);
  EXPECT_EQ(options->iser_dialect, IserDialect::kPermissive);
  EXPECT_TRUE(options->logical_units.empty());
  EXPECT_FALSE(options->node.bugs.any());
}

TEST(ConfigTest, TakesEachField) {
  v1::TargetConfig config;
  config.set_name("iqn.2026-11.org.pushpull:other");
  config.set_alias("the other");
  config.set_target_portal_group_tag(7);
  config.set_iser_dialect("linux");
  config.mutable_limits()->set_queue_depth(4);
  config.mutable_limits()->set_login_timeout_ms(1500);
  config.mutable_limits()->set_max_logins(9);
  config.mutable_limits()->set_max_sessions(10);
  config.mutable_limits()->set_buffer_bytes(1 << 20);
  config.mutable_limits()->set_max_burst_length(4096);
  config.mutable_limits()->set_first_burst_length(2048);
  v1::LunConfig* const lun = config.add_lun();
  lun->set_number(3);
  lun->set_spec("ram:1M");
  lun->set_serial("S3");
  lun->set_block_size(4096);
  lun->set_physical_block_size(4096);
  if (kBugsEnabled) config.add_bug("r2t_sn_repeats");
  const auto options = OptionsFromConfig(LoadedConfig(config));
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->node.name, "iqn.2026-11.org.pushpull:other");
  EXPECT_EQ(options->node.alias, "the other");
  EXPECT_EQ(options->iser_dialect, IserDialect::kLinux);
  EXPECT_EQ(options->node.target_portal_group_tag, 7);
  EXPECT_EQ(options->node.queue_depth, 4u);
  EXPECT_EQ(options->node.login_timeout, absl::Milliseconds(1500));
  EXPECT_EQ(options->node.max_logins, 9u);
  EXPECT_EQ(options->node.max_sessions, 10u);
  EXPECT_EQ(options->node.buffer_bytes, 1u << 20);
  EXPECT_EQ(options->node.limits.max_burst_length, 4096u);
  EXPECT_EQ(options->node.bugs.Has(Bug::kR2tSnRepeats), kBugsEnabled);
  ASSERT_EQ(options->logical_units.size(), 1u);
  EXPECT_EQ(options->logical_units[0].number, 3);
  EXPECT_EQ(options->logical_units[0].block_size, 4096u);
  EXPECT_EQ(options->logical_units[0].serial, "S3");
  EXPECT_EQ(options->logical_units[0].store->size_bytes(), 1u << 20);
}

TEST(ConfigTest, LegalVariationWithoutSome) {
  const auto spared = [](v1::Freedom freedom) {
    v1::TargetConfig config;
    config.set_legal_variation(1);
    config.add_legal_variation_without(freedom);
    const auto options = OptionsFromConfig(LoadedConfig(config));
    CHECK(options.ok());
    const Spared& spared = options->node.spared;
    return std::vector<bool>{spared.vendor_events, spared.empty_data_in, spared.unit_attentions};
  };
  EXPECT_THAT(spared(v1::VENDOR_EVENTS), ElementsAre(true, false, false));
  EXPECT_THAT(spared(v1::EMPTY_DATA_IN), ElementsAre(false, true, false));
  EXPECT_THAT(spared(v1::UNIT_ATTENTIONS), ElementsAre(false, false, true));
}

TEST(ConfigTest, LegalVariationWithPlainText) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    v1::TargetConfig config;
    config.set_legal_variation(seed);
    config.set_legal_variation_plain_text(true);
    const auto options = OptionsFromConfig(LoadedConfig(config));
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->node.legal_variation, seed);
    EXPECT_TRUE(options->node.plain_text);
    EXPECT_NE(options->node.first_tsih, 0);
    EXPECT_FALSE(options->node.limits.cut_inside_pairs);
    EXPECT_EQ(options->node.limits.node_architecture, "");
  }
}

TEST(ConfigTest, NamesAreNormalised) {
  v1::TargetConfig config;
  config.set_name("IQN.2001-04.com.Example:Disk");
  EXPECT_EQ(OptionsFromConfig(LoadedConfig(config))->node.name, "iqn.2001-04.com.example:disk");
}

// A file of one configuration for each test.
class ConfigFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) {
    const std::string path = absl::StrCat(::testing::TempDir(), "/target.textproto");
    std::ofstream(path) << text;
    return path;
  }

  // The first error of loading it, of its options, of its addresses; without the file's folder.
  std::string Error(const std::string& text, const v1::TargetConfig& over = {}) {
    const std::string path = Write(text);
    LoadedConfig config;
    absl::Status status = config.Load(path);
    if (status.ok()) {
      config.Override(over);
      status = OptionsFromConfig(config).status();
      if (status.ok()) status = OperationFromConfig(config).status();
      if (status.ok()) status = ListenAddresses(config).status();
    }
    return absl::StrReplaceAll(absl::StrCat(status.message()),
                               {{path, "F"}, {::testing::TempDir(), "TMP"}});
  }
};

TEST_F(ConfigFileTest, ErrorsSayWhereAndWhat) {
  struct Case {
    const char* text;
    const char* place;
    const char* what;
  };
  const Case cases[] = {
      {"lun { spec: 'ram:1M' }\nlunn {}", "F:2:", "lunn"},
      {"\n  name: 'disk'", "F:2:3: ", "\"disk\""},
      {"alias: 'a\\000b'", "F:1:1: ", "alias"},
      {"target_portal_group_tag: 65536", "F:1:1: ", "65535"},
      {"threads: 1025", "F:1:1: ", "1024"},
      {"iser_dialect: 'rfc'", "F:1:1: ", "\"rfc\": there are rfc7145, linux, permissive"},
      {"threads: 0", "F:1:1: ", "threads is 0"},
      {"\nstop_timeout_ms: 65535001", "F:2:1: ", "can be 0 to 65535000"},
      {"log_level: 'loud'", "F:1:1: ", "there are error, warning, info and debug"},
      {"name: ''", "F:1:1: ", "name"},
      {"lun { spec: 'ram:1M' block_size: 0 }", "F:1:22: ", "block_size 0"},
      {"bug: 'stat_sn_skips'\nbug: 'no_such_bug'", "F:2:1: ", "no_such_bug"},
      {"limits { queue_depth: 0 }", "F:1:10: ", "queue_depth"},
      {"limits { queue_depth: 65537 }", "F:1:10: ", "65536"},
      {"limits {\n login_timeout_ms: 0 }", "F:2:2: ", "login_timeout_ms is 0"},
      {"limits { buffer_bytes: 0 }", "F:1:10: ", "buffer_bytes is 0"},
      {"limits { max_logins: 0 }", "F:1:10: ", "max_logins is 0"},
      {"limits { max_sessions: 0 }", "F:1:10: ", "max_sessions is 0, but can be 1 to 65535"},
      {"limits { max_sessions: 65536 }", "F:1:10: ", "max_sessions is 65536"},
      {"\nlegal_variation_plain_text: true", "F:2:1: ", "goes with legal_variation"},
      {"\nlegal_variation_without: VENDOR_EVENTS", "F:2:1: ", "goes with legal_variation"},
      {"limits {\n\n max_burst_length: 1 }", "F:3:2: ", "MaxBurstLength"},
      {"limits { max_burst_length: 512 first_burst_length: 1024 }", "F:1:32: ", "above"},
      {"lun { spec: 'tape:1' }", "F:1:7: ", "lun 0: unknown kind"},
      {"lun { number: 16384 spec: 'ram:1M' }", "F:1:7: ", "16383"},
      {"lun { spec: 'ram:1M' }\nlun { spec: 'ram:1M' }", "F:2:1: ", "two of this number"},
      {"lun { spec: 'ram:1M' block_size: 520 }", "F:1:22: ", "block_size 520"},
      {"lun { spec: 'ram:1M' physical_block_size: 2048 }", "F:1:22: ", "physical_block_size 2048"},
      {"lun { spec: 'ram:1M' block_size: 4096 physical_block_size: 512 }", "F:1:39: ", "less than"},
      {"lun { spec: 'ram:1M' lowest_aligned_lba: 1 }", "F:1:22: ", "0 to 0"},
      {"lun { spec: 'ram:1M' physical_block_size: 4096 lowest_aligned_lba: 8 }",
       "F:1:48: ", "0 to 7"},
      {"lun { spec: 'ram:99999999T' }", "F:1:7: ", "above 8 EiB"},
      {"lun { spec: 'ram:8388607T' }", "F:1:7: ", "use a smaller size"},
      {"lun { spec: 'ram:1000' }", "F:1:7: ", "no multiple"},
      {"lun { spec: 'ram:0' }", "F:1:7: ", "size 0"},
      {"lun { spec: 'ram:1536' block_size: 4096 }", "F:1:7: ", "no multiple"},
      {"lun { }", "F:1:1: ", "unknown kind"},
      {"lun { spec: 'file:/no/disk' }", "F:1:7: ", "does not exist"},
      {"lun { spec: 'file:/' }", "F:1:7: ", "directory"},
      {"listen: 'tcp://h'\nlisten: 'udp://h'", "F:2:1: ", "udp://h"},
      {"listen: 'tcp://h'\nlisten: 'tcp://h:3260'", "F:2:1: ", "twice"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    if (!kBugsEnabled && std::string(c.text).starts_with("bug")) continue;
    const std::string error = Error(c.text);
    EXPECT_THAT(error, StartsWith(c.place));
    EXPECT_THAT(error, HasSubstr(c.what));
  }
  EXPECT_EQ(Error("listen: 'tcp://h:0' listen: 'tcp://h:0' listen: 'tcp://h:1' listen: 'tcp://g:1' "
                  "threads: 1024 target_portal_group_tag: 65535"),
            "");
}

TEST_F(ConfigFileTest, AFileOfAnOddSize) {
  const std::string disk = absl::StrCat(::testing::TempDir(), "/disk");
  std::ofstream(disk) << std::string(1000, 'x');
  const std::string error = Error(absl::StrCat("lun { spec: 'file:", disk, "' }"));
  EXPECT_THAT(error, StartsWith("F:1:7: "));
  EXPECT_THAT(error, HasSubstr("1000 bytes, which is no multiple of the block size 512"));
}

TEST_F(ConfigFileTest, TheFileIsNotThere) {
  LoadedConfig config;
  EXPECT_THAT(std::string(config.Load("/no/such/file").message()), HasSubstr("/no/such/file"));
}

TEST_F(ConfigFileTest, TheCommandLineWins) {
  LoadedConfig config;
  ASSERT_TRUE(config
                  .Load(Write("listen: 'tcp://a' name: 'iqn.2001-04.a' alias: 'x' threads: 3\n"
                              "lun { number: 5 spec: 'ram:1M' } bug: 'stat_sn_skips'\n"
                              "limits { queue_depth: 4 first_burst_length: 512 }"))
                  .ok());
  v1::TargetConfig over;
  over.add_listen("tcp://b:1");
  over.set_name("iqn.2001-04.b");
  over.add_lun()->set_spec("ram:2M");
  over.add_bug("r2t_sn_repeats");
  over.mutable_limits()->set_queue_depth(8);
  config.Override(over);
  const v1::TargetConfig& made = config.config();
  EXPECT_THAT(made.listen(), ElementsAre("tcp://b:1"));
  EXPECT_EQ(made.name(), "iqn.2001-04.b");
  EXPECT_EQ(made.alias(), "x");
  EXPECT_EQ(made.threads(), 3u);
  ASSERT_EQ(made.lun_size(), 1);
  EXPECT_EQ(made.lun(0).spec(), "ram:2M");
  EXPECT_THAT(made.bug(), ElementsAre("stat_sn_skips", "r2t_sn_repeats"));
  EXPECT_EQ(made.limits().queue_depth(), 8u);
  EXPECT_EQ(made.limits().first_burst_length(), 512u);
}

// What the command line gave is not told as the file's.
TEST_F(ConfigFileTest, ErrorsOfTheCommandLineHaveNoPlace) {
  v1::TargetConfig over;
  over.add_lun()->set_spec("tape:1");
  EXPECT_THAT(Error("lun { spec: 'ram:1M' }", over), StartsWith("lun 0: unknown kind"));
  over.Clear();
  over.add_listen("udp://h");
  EXPECT_THAT(Error("listen: 'tcp://h'", over), StartsWith("listen \"udp://h\""));
  over.Clear();
  over.add_bug("no_such_bug");
  if (kBugsEnabled) {
    EXPECT_THAT(Error("bug: 'stat_sn_skips'", over), Not(StartsWith("F:")));
  }
}

}  // namespace
}  // namespace pushpull::target
