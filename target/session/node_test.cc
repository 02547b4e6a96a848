#include "target/session/node.h"

#include <memory>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

class NodeTest : public ::testing::Test {
 protected:
  NodeTest() : device_(*DeviceServer::Create({.target_name = "iqn.t", .bugs = {}}, {})) {
    NodeOptions options;
    options.name = "iqn.t";
    options.alias = "alias";
    options.target_portal_group_tag = 3;
    options.max_logins = 2;
    node_ = std::make_unique<Node>(options, device_.get());
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
  const TargetRecord record = node_->Record({"192.0.2.9", 3262});
  EXPECT_EQ(record.name, "iqn.t");
  ASSERT_EQ(record.portals.size(), 4u);
  EXPECT_EQ(record.portals[0].address, "127.0.0.1:3260");
  EXPECT_EQ(record.portals[1].address, "[::1]:3261");
  EXPECT_EQ(record.portals[2].address, "192.0.2.9:3262") << "as the asking connection came";
  EXPECT_EQ(record.portals[3].address, "192.0.2.9:3263");
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

TEST_F(NodeTest, CountsLogins) {
  EXPECT_TRUE(node_->BeginLogin());
  EXPECT_TRUE(node_->BeginLogin());
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

}  // namespace
}  // namespace pushpull::target
