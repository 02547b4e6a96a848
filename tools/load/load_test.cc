// Load against the reference target, over loopback.

#include "tools/load/load.h"

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "fabric/epoll_loop.h"
#include "gtest/gtest.h"
#include "target/portal/tcp_target.h"
#include "target/store/lun_spec.h"
#include "tools/endpoints/real_loop.h"

namespace pushpull::tools {
namespace {

constexpr char kName[] = "iqn.2026-11.org.example:loaded";

class LoadTest : public ::testing::Test {
 protected:
  void Serve(const std::string& spec, std::vector<target::Bug> bugs = {}) {
    target::TargetOptions options;
    options.node.name = kName;
    options.node.limits.default_time2wait = 0;
    options.node.limits.default_time2retain = 0;
    for (const target::Bug bug : bugs) options.node.bugs.Add(bug);
    target::LogicalUnitOptions unit;
    const auto parsed = target::ParseLunSpec(spec);
    CHECK(parsed.ok()) << parsed.status().ToString();
    auto store = target::MakeStore(*parsed);
    CHECK(store.ok()) << store.status().ToString();
    unit.store = *std::move(store);
    options.logical_units.push_back(std::move(unit));
    auto target = target::TcpTarget::Create(std::move(options), 2);
    CHECK(target.ok()) << target.status().ToString();
    target_ = *std::move(target);
    const auto address = target_->Listen({"127.0.0.1", 0});
    CHECK(address.ok()) << address.status().ToString();
    options_.address = *address;
    options_.target_name = kName;
  }
  LoadReport Run() {
    const auto report = RunLoad(options_);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : LoadReport();
  }
  // The target has nothing left of what was there, without having been stopped.
  bool Unused() {
    const auto unused = [this] {
      for (size_t i = 0; i < target::kCounts; ++i) {
        const auto count = static_cast<target::Count>(i);
        if (target::IsGauge(count) && target_->Get(count) != 0) return false;
      }
      return true;
    };
    fabric::EpollLoop loop;
    fabric::Timer tick(&loop);
    const std::function<void()> again = [&] {
      tick.Start(absl::Milliseconds(5), [&] { again(); });
    };
    loop.Post([&] { again(); });
    return RunRealLoop(&loop, unused, absl::Seconds(30));
  }

  std::unique_ptr<target::TcpTarget> target_;
  LoadOptions options_;
};

TEST_F(LoadTest, SessionsWorkWhileConnectionsAreDroppedAndNothingIsLeft) {
  const auto before = UseOf(getpid());
  ASSERT_TRUE(before.ok()) << before.status();
  Serve("ram:64M");
  options_.sessions = 64;
  options_.commands = 20;
  options_.drops = 500;
  const LoadReport report = Run();
  EXPECT_EQ(report.faults, 0u) << (report.first_faults.empty() ? "" : report.first_faults.front());
  EXPECT_GE(report.commands, 64u * 20);
  EXPECT_EQ(report.drops, 500u);
  EXPECT_EQ(target_->Get(target::Count::kConnectionsRefused), 0);
  // Three of the seven stages are before the end of the login.
  EXPECT_GE(target_->Get(target::Count::kLoginsFailed), 500 * 3 / 7);
  EXPECT_GE(target_->Get(target::Count::kSessionsOpened), 64 + 500 * 4 / 7);
  EXPECT_TRUE(Unused());
  target_.reset();
  const auto after = UseOf(getpid());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->descriptors, before->descriptors);
  EXPECT_EQ(after->threads, before->threads);
}

TEST_F(LoadTest, OthersGoOnBesideBadPeers) {
  Serve("ram:64M");
  options_.sessions = 4;
  options_.time = absl::Milliseconds(200);
  options_.peers = {"deaf-reader", "writes-without-data", "stops-in-data", "endless-login"};
  options_.peers_of_a_kind = 2;
  const LoadReport report = Run();
  EXPECT_EQ(report.faults, 0u) << (report.first_faults.empty() ? "" : report.first_faults.front());
  ASSERT_EQ(report.peers.size(), 4u);
  for (const auto& peer : report.peers) {
    EXPECT_GT(peer.without, 0) << peer.kind;
    EXPECT_GT(peer.with, 0) << peer.kind;
  }
  EXPECT_TRUE(Unused());
}

// Each session has blocks of its own, and compares what it reads.
TEST_F(LoadTest, DataThatIsLostIsFound) {
  Serve("null:64M");
  options_.sessions = 2;
  options_.commands = 4;
  const LoadReport report = Run();
  EXPECT_GT(report.faults, 0u);
  EXPECT_NE(report.first_faults.at(0).find("all zeros"), std::string::npos);
}

// A target that answers nobody for a while is no target that is under load.
TEST_F(LoadTest, ATargetThatStallsIsFound) {
  Serve("slow:1500,ram:64M");
  options_.sessions = 2;
  options_.time = absl::Seconds(30);
  options_.answer_within = absl::Milliseconds(300);
  const LoadReport report = Run();
  ASSERT_GT(report.faults, 0u);
  EXPECT_NE(report.first_faults.at(0).find("the target stalls"), std::string::npos)
      << report.first_faults.at(0);
  EXPECT_LT(report.time, absl::Seconds(20));
}

TEST_F(LoadTest, ShortTurnsTellNoRatio) {
  Serve("ram:64M");
  options_.sessions = 2;
  options_.time = absl::Milliseconds(160);
  options_.peers = {"answers-no-ping"};
  const LoadReport report = Run();
  ASSERT_EQ(report.peers.size(), 1u);
  EXPECT_FALSE(report.peers[0].rates_tell);
}

TEST_F(LoadTest, AProcessThatIsntThereCantBeWatched) {
  Serve("ram:64M");
  options_.watched_pid = INT32_MAX;
  EXPECT_EQ(RunLoad(options_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(LoadTest, DataInAWrongPlaceIsFound) {
  if (!target::kBugsEnabled) return;
  Serve("ram:64M", {target::Bug::kDataInOffsetStuck});
  options_.sessions = 1;
  options_.commands = 4;
  options_.io_bytes = 1 << 20;
  EXPECT_GT(Run().faults, 0u);
}

TEST_F(LoadTest, WhatDoesntFitIsSaid) {
  Serve("ram:1M");
  options_.sessions = 1000;
  auto report = RunLoad(options_);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
  options_.sessions = 1;
  options_.target_name = "iqn.2026-11.org.example:other";
  report = RunLoad(options_);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(report.status().message().find("0x0203 (not found)"), std::string::npos)
      << report.status();
}

}  // namespace
}  // namespace pushpull::tools
