#include "fabric/handler.h"

#include <memory>

#include "fabric/loop.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

TEST(HandlerTest, RunsAgainAndAgain) {
  int runs = 0;
  Handler<Task> handler([&] { ++runs; });
  EXPECT_TRUE(handler.Run());
  EXPECT_TRUE(handler.Run());
  EXPECT_EQ(runs, 2);
}

TEST(HandlerTest, EmptyOneDoesNothing) {
  Handler<Task> handler;
  EXPECT_TRUE(handler.Run());
}

TEST(HandlerTest, OwnerMayDieWhileItRuns) {
  auto handler = std::make_unique<Handler<Task>>();
  auto canary = std::make_shared<int>(1);
  int seen = 0;
  handler->Set([&handler, &seen, canary] {
    handler.reset();
    seen = *canary;
  });
  EXPECT_FALSE(handler->Run());
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(canary.use_count(), 1);
}

TEST(HandlerTest, ClearedWhileItRunsItRunsToItsEndAndNeverAgain) {
  Handler<Task> handler;
  auto canary = std::make_shared<int>(0);
  handler.Set([&handler, canary] {
    handler.Clear();
    ++*canary;
  });
  EXPECT_TRUE(handler.Run());
  EXPECT_EQ(*canary, 1);
  EXPECT_EQ(canary.use_count(), 1);
  EXPECT_TRUE(handler.Run());
  EXPECT_EQ(*canary, 1);
}

TEST(HandlerTest, WhatIsSetWhileItRunsReplacesIt) {
  Handler<Task> handler;
  int runs = 0;
  EXPECT_FALSE(handler.running());
  handler.Set([&] {
    EXPECT_TRUE(handler.running());
    handler.Set([&] { runs += 10; });
    ++runs;
  });
  handler.Run();
  EXPECT_FALSE(handler.running());
  handler.Run();
  handler.Run();
  EXPECT_EQ(runs, 21);
}

}  // namespace
}  // namespace pushpull::fabric
