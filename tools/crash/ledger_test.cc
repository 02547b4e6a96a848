#include "tools/crash/ledger.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

const std::vector<uint8_t> kZeros(Ledger::kBlockBytes, 0);

TEST(LedgerTest, WhatWasNotPromisedMayBeThereOrNot) {
  Ledger ledger(8);
  const auto write = ledger.Begin(1, 2, false);
  for (const bool answered : {false, true}) {
    if (answered) ledger.Acknowledge(write, false);
    EXPECT_EQ(ledger.Judge(1, kZeros), "");
    EXPECT_EQ(ledger.Judge(2, Ledger::Content(write)), "");
    EXPECT_NE(ledger.Judge(3, Ledger::Content(write)), "") << "not its block";
  }
}

TEST(LedgerTest, WhatNobodyWroteMayNotBeThere) {
  Ledger ledger(8);
  const auto write = ledger.Begin(1, 1, false);
  std::vector<uint8_t> torn = Ledger::Content(write);
  torn[300] ^= 1;
  EXPECT_NE(ledger.Judge(1, torn), "");
  EXPECT_NE(ledger.Judge(1, Ledger::Content(write + 1)), "");
}

TEST(LedgerTest, DurableWritesReplaceWhatWasAnsweredBefore) {
  Ledger ledger(8);
  const auto before = ledger.Begin(1, 1, false);
  ledger.Acknowledge(before, false);
  const auto beside = ledger.Begin(1, 1, false);
  const auto durable = ledger.Begin(1, 1, false);
  ledger.Acknowledge(durable, true);
  ledger.Acknowledge(beside, false);
  EXPECT_NE(ledger.Judge(1, kZeros), "");
  EXPECT_NE(ledger.Judge(1, Ledger::Content(before)), "");
  EXPECT_EQ(ledger.Judge(1, Ledger::Content(beside)), "") << "they ran side by side";
  EXPECT_EQ(ledger.Judge(1, Ledger::Content(durable)), "");
  const auto zeros = ledger.Begin(0, 8, true);
  EXPECT_EQ(ledger.Judge(1, kZeros), "");
  ledger.Acknowledge(zeros, true);
  EXPECT_NE(ledger.Judge(1, Ledger::Content(durable)), "");
}

TEST(LedgerTest, AFlushCoversWhatWasAnsweredWhenItWasSent) {
  Ledger ledger(8);
  const auto first = ledger.Begin(1, 1, false);
  ledger.Acknowledge(first, false);
  const auto late = ledger.Begin(2, 1, false);
  const auto sent = ledger.Now();
  ledger.Acknowledge(late, false);
  ledger.Flushed(sent);
  EXPECT_NE(ledger.Judge(1, kZeros), "");
  EXPECT_EQ(ledger.Judge(2, kZeros), "");
}

TEST(LedgerTest, ReadsSeeWhatWasAnswered) {
  Ledger ledger(8);
  const auto first = ledger.Begin(1, 1, false);
  EXPECT_EQ(ledger.Read(1, kZeros, ledger.Now(), false), "");
  ledger.Acknowledge(first, false);
  const auto sent = ledger.Now();
  EXPECT_NE(ledger.Read(1, kZeros, sent, false), "");
  EXPECT_EQ(ledger.Read(1, Ledger::Content(first), sent, false), "");
  EXPECT_EQ(ledger.Judge(1, kZeros), "");
  EXPECT_EQ(ledger.Read(1, Ledger::Content(first), sent, /*durable=*/true), "");
  EXPECT_NE(ledger.Judge(1, kZeros), "");
}

TEST(LedgerTest, WhatIsJustWrittenMayBeReadInParts) {
  Ledger ledger(8);
  const auto write = ledger.Begin(1, 1, false);
  std::vector<uint8_t> part = Ledger::Content(write);
  std::fill(part.begin() + 100, part.end(), uint8_t{0});
  const auto sent = ledger.Now();
  EXPECT_EQ(ledger.Read(1, part, sent, false), "");
  ledger.Acknowledge(write, false);
  EXPECT_EQ(ledger.Read(1, part, sent, false), "");
  EXPECT_NE(ledger.Read(1, part, ledger.Now(), false), "");
  EXPECT_NE(ledger.Judge(1, part), "") << "on the medium it may not stay so";
}

TEST(LedgerTest, ItsLogMakesAnotherThatIsEqual) {
  Ledger first(8);
  Ledger second(8);
  std::vector<std::string> log;
  first.set_log([&](const std::string& words) {
    log.push_back(words);
    EXPECT_TRUE(second.Apply(words)) << words;
  });
  const auto read = first.Begin(1, 1, false);
  EXPECT_EQ(first.Read(1, Ledger::Content(read), first.Now(), true), "");
  const auto flushed = first.Begin(2, 1, false);
  first.Acknowledge(flushed, false);
  first.Flushed(first.Now());
  const auto answered = first.Begin(3, 1, true);
  first.Acknowledge(answered, true);
  EXPECT_EQ(log, (std::vector<std::string>{"begin 1 1 0", "now", "durable 1", "begin 2 1 0",
                                           "answered 2 0", "now", "flushed 5", "begin 3 1 1",
                                           "answered 3 1"}));
  for (uint64_t lba = 0; lba < 8; ++lba) {
    for (const auto& block : {kZeros, Ledger::Content(read), Ledger::Content(flushed)}) {
      EXPECT_EQ(first.Judge(lba, block), second.Judge(lba, block)) << lba;
    }
  }
  EXPECT_NE(second.Judge(1, kZeros), "");
}

TEST(LedgerTest, WordsThatAreNoneOfALog) {
  Ledger ledger(8);
  for (const char* words : {"", "now 1", "begin 8 1 0", "begin 0 9 0", "begin 0 1", "answered 1 0",
                            "answered 0 0", "flushed x", "durable 7", "begun 0 1 0"}) {
    EXPECT_FALSE(ledger.Apply(words)) << words;
  }
}

}  // namespace
}  // namespace pushpull::tools
