#include "target/config.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using ::testing::HasSubstr;

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
      {"iser://host", "", -1},
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
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
  }
}

TEST(ConfigTest, SilenceMeansDefaults) {
  const auto options = OptionsFromConfig({});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->node.name, NodeOptions().name);
  EXPECT_EQ(options->node.queue_depth, 128u);
  EXPECT_EQ(options->node.login_timeout, absl::Seconds(15));
  EXPECT_EQ(options->node.target_portal_group_tag, 1);
  EXPECT_TRUE(options->logical_units.empty());
  EXPECT_FALSE(options->node.bugs.any());
}

TEST(ConfigTest, TakesEachField) {
  v1::TargetConfig config;
  config.set_name("iqn.2026-11.org.pushpull:other");
  config.set_alias("the other");
  config.set_target_portal_group_tag(7);
  config.mutable_limits()->set_queue_depth(4);
  config.mutable_limits()->set_login_timeout_ms(1500);
  config.mutable_limits()->set_max_burst_length(4096);
  config.mutable_limits()->set_first_burst_length(2048);
  v1::LunConfig* const lun = config.add_lun();
  lun->set_number(3);
  lun->set_spec("ram:1M");
  lun->set_serial("S3");
  lun->set_block_size(4096);
  if (kBugsEnabled) config.add_bug("r2t_sn_repeats");
  const auto options = OptionsFromConfig(config);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->node.name, "iqn.2026-11.org.pushpull:other");
  EXPECT_EQ(options->node.alias, "the other");
  EXPECT_EQ(options->node.target_portal_group_tag, 7);
  EXPECT_EQ(options->node.queue_depth, 4u);
  EXPECT_EQ(options->node.login_timeout, absl::Milliseconds(1500));
  EXPECT_EQ(options->node.limits.max_burst_length, 4096u);
  EXPECT_EQ(options->node.bugs.Has(Bug::kR2tSnRepeats), kBugsEnabled);
  ASSERT_EQ(options->logical_units.size(), 1u);
  EXPECT_EQ(options->logical_units[0].number, 3);
  EXPECT_EQ(options->logical_units[0].block_size, 4096u);
  EXPECT_EQ(options->logical_units[0].serial, "S3");
  EXPECT_EQ(options->logical_units[0].store->size_bytes(), 1u << 20);
}

TEST(ConfigTest, ErrorsNameWhatIsWrong) {
  const auto error = [](auto change) {
    v1::TargetConfig config;
    change(config);
    return std::string(OptionsFromConfig(config).status().message());
  };
  EXPECT_THAT(error([](auto& c) { c.set_name("disk"); }), HasSubstr("\"disk\""));
  EXPECT_THAT(error([](auto& c) { c.set_target_portal_group_tag(65536); }), HasSubstr("65535"));
  EXPECT_THAT(error([](auto& c) { c.add_bug("no_such_bug"); }), HasSubstr("no_such_bug"));
  EXPECT_THAT(error([](auto& c) { c.add_lun()->set_spec("tape:1"); }), HasSubstr("lun 0: "));
  EXPECT_THAT(error([](auto& c) { c.add_lun()->set_number(16384); }), HasSubstr("16383"));
  EXPECT_THAT(error([](auto& c) {
                c.add_lun()->set_spec("ram:1M");
                c.mutable_lun(0)->set_block_size(520);
              }),
              HasSubstr("block_size 520"));
}

}  // namespace
}  // namespace pushpull::target
