#include "target/session/node.h"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

const fabric::Address kPortal{"192.0.2.9", 3260};

class NodeTest : public ::testing::Test {
 protected:
  NodeTest() : device_(*DeviceServer::Create({.target_name = "iqn.t", .bugs = {}}, {})) {
    node_ = MakeNode(Options());
  }
  static NodeOptions Options() {
    NodeOptions options;
    options.name = "iqn.t";
    options.alias = "alias";
    options.target_portal_group_tag = 3;
    options.max_logins = 2;
    return options;
  }
  std::unique_ptr<Node> MakeNode(NodeOptions options) {
    return std::make_unique<Node>(std::move(options), device_.get());
  }
  static LoginIdentity Discovery() {
    LoginIdentity identity;
    identity.session_type = SessionType::kDiscovery;
    return identity;
  }

  std::unique_ptr<DeviceServer> device_;
  std::unique_ptr<Node> node_;
};

TEST_F(NodeTest, TellsItsPortals) {
  node_->AddPortal({"127.0.0.1", 3260});
  node_->AddPortal({"::1", 3261});
  node_->AddPortal({"", 3262});
  node_->AddPortal({"0.0.0.0", 3263});
  node_->AddPortal({"192.0.2.9", 3264}, /*rdma=*/true);
  node_->AddPortal({"::", 3265});
  const TargetRecord record = node_->Record({"192.0.2.9", 3262});
  EXPECT_EQ(record.name, "iqn.t");
  ASSERT_EQ(record.portals.size(), 5u);
  EXPECT_EQ(record.portals[0].address, "127.0.0.1:3260");
  EXPECT_EQ(record.portals[1].address, "[::1]:3261");
  EXPECT_EQ(record.portals[2].address, "192.0.2.9:3262") << "as the asking connection came";
  EXPECT_EQ(record.portals[3].address, "192.0.2.9:3263");
  EXPECT_EQ(record.portals[4].address, "192.0.2.9:3265");
  EXPECT_EQ(record.portals[3].portal_group_tag, 3);
  const TargetRecord over_rdma = node_->Record({"192.0.2.9", 3264}, /*rdma=*/true);
  ASSERT_EQ(over_rdma.portals.size(), 1u) << "those of the same transport";
  EXPECT_EQ(over_rdma.portals[0].address, "192.0.2.9:3264");
}

TEST_F(NodeTest, KnowsItsName) {
  LoginIdentity identity;
  identity.target_name = "iqn.t";
  const LoginTarget target = node_->FindTarget(identity, {"192.0.2.9", 3260});
  EXPECT_EQ(target.status, LoginStatus::kSuccess);
  EXPECT_EQ(target.target_alias, "alias");
  EXPECT_EQ(target.target_portal_group_tag, 3);
  identity.target_name = "iqn.u";
  EXPECT_EQ(node_->FindTarget(identity, {"192.0.2.9", 3260}).status, LoginStatus::kNotFound);
  identity.target_name.reset();
  EXPECT_EQ(node_->FindTarget(identity, {"192.0.2.9", 3260}).status, LoginStatus::kSuccess);
}

// What is moved is the target: who asks which targets there are is answered here.
TEST_F(NodeTest, ARedirectionIsForNormalSessions) {
  NodeOptions options = Options();
  options.access = {{.initiator = "iqn.moved",
                     .status = LoginStatus::kTargetMovedPermanently,
                     .redirect_addresses = {"192.0.2.3:3261"}},
                    {.initiator = "iqn.bad", .status = LoginStatus::kAuthorizationFailure}};
  const auto node = MakeNode(options);
  LoginIdentity normal;
  normal.initiator_name = "iqn.moved";
  const LoginTarget moved = node->FindTarget(normal, kPortal);
  EXPECT_EQ(moved.status, LoginStatus::kTargetMovedPermanently);
  EXPECT_EQ(moved.redirect_addresses, std::vector<std::string>{"192.0.2.3:3261"});
  LoginIdentity discovery = Discovery();
  discovery.initiator_name = "iqn.moved";
  EXPECT_EQ(node->FindTarget(discovery, kPortal).status, LoginStatus::kSuccess);
  discovery.initiator_name = "iqn.bad";
  EXPECT_EQ(node->FindTarget(discovery, kPortal).status, LoginStatus::kAuthorizationFailure);
}

class AnyPolicy final : public AuthPolicy {
 public:
  std::vector<std::string> Methods() const override { return {"CHAP"}; }
  std::unique_ptr<AuthExchange> Start(std::string_view, std::string_view) override {
    return nullptr;
  }
};

TEST_F(NodeTest, OpenDiscoveryAsksNobodyWhoHeIs) {
  NodeOptions options = Options();
  options.auth = std::make_shared<AnyPolicy>();
  for (const bool open : {false, true}) {
    options.open_discovery = open;
    const auto node = MakeNode(options);
    EXPECT_EQ(node->FindTarget({}, kPortal).auth, options.auth.get());
    EXPECT_EQ(node->FindTarget(Discovery(), kPortal).auth, open ? nullptr : options.auth.get());
  }
}

// What varies is the same in every run of a seed, and else everywhere different.
TEST_F(NodeTest, EachHasAVariationOfItsOwn) {
  const auto numbers = [this](uint64_t variation, uint64_t seed, bool session, uint64_t number) {
    NodeOptions options = Options();
    options.legal_variation = variation;
    options.seed = seed;
    const auto made = MakeNode(options)->VariationOf(session, number);
    std::vector<uint32_t> numbers;
    for (int i = 0; i < 8; ++i) numbers.push_back(made->login.InitialStatSn());
    return numbers;
  };
  EXPECT_EQ(node_->VariationOf(false, 1), nullptr) << "without a seed nothing varies";
  EXPECT_EQ(numbers(1, 1, false, 1), numbers(1, 1, false, 1));
  const std::set<std::vector<uint32_t>> different = {
      numbers(1, 1, false, 1), numbers(2, 1, false, 1), numbers(1, 2, false, 1),
      numbers(1, 1, true, 1),  numbers(1, 1, false, 2),
  };
  EXPECT_EQ(different.size(), 5u);
}

TEST_F(NodeTest, CountsLogins) {
  EXPECT_TRUE(node_->BeginLogin());
  EXPECT_TRUE(node_->BeginLogin());
  EXPECT_FALSE(node_->BeginLogin());
  EXPECT_FALSE(node_->BeginLogin());
  node_->EndLogin();
  EXPECT_TRUE(node_->BeginLogin());
}

TEST_F(NodeTest, RemembersWhatWasCleared) {
  const NexusId nexus{"iqn.i", {1}, 3};
  const NexusId other{"iqn.i", {2}, 3};
  node_->RememberCleared(nexus, {1, 2});
  node_->RememberCleared(nexus, {2, 3});
  EXPECT_TRUE(node_->TakeCleared(other).empty());
  EXPECT_EQ(node_->TakeCleared(nexus), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_TRUE(node_->TakeCleared(nexus).empty());
}

TEST_F(NodeTest, WhatWasClearedIsOfOnePortalGroup) {
  node_->RememberCleared({"iqn.i", {1}, 3}, {1});
  EXPECT_TRUE(node_->TakeCleared({"iqn.i", {1}, 4}).empty());
  EXPECT_FALSE(node_->TakeCleared({"iqn.i", {1}, 3}).empty());
}

// Of initiators that don't come back only so many are remembered; who came back isn't.
TEST_F(NodeTest, RemembersOnlySoMany) {
  constexpr size_t kMost = 4096;
  const auto nexus = [](size_t i) { return NexusId{"iqn." + std::to_string(i), {1}, 3}; };
  for (size_t i = 0; i < kMost; ++i) {
    node_->RememberCleared(nexus(i), {1});
    node_->TakeCleared(nexus(i));
  }
  for (size_t i = 0; i < kMost; ++i) node_->RememberCleared(nexus(i), {1});
  size_t left = 0;
  for (size_t i = 0; i < kMost; ++i) left += node_->TakeCleared(nexus(i)).size();
  EXPECT_EQ(left, kMost) << "those that came back took others' places";
  for (size_t i = 0; i < kMost + 10; ++i) node_->RememberCleared(nexus(i), {1});
  left = 0;
  for (size_t i = 0; i < kMost + 10; ++i) left += node_->TakeCleared(nexus(i)).size();
  EXPECT_EQ(left, kMost);
}

}  // namespace
}  // namespace pushpull::target
