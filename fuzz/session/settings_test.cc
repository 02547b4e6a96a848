// Each setting makes another target, and none of them makes one that is wrong.

#include "fuzz/session/settings.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzz/session/play_session.h"
#include "fuzz/session/target_of_settings.h"

namespace pushpull::fuzz {
namespace {

v1::Scenario With(std::string_view name, uint64_t number, std::string_view steps) {
  v1::Scenario scenario;
  EXPECT_TRUE(FromText({.iser = true}, steps, &scenario)) << steps;
  v1::Variable* const variable = scenario.add_let();
  variable->set_name(std::string(name));
  variable->set_number(number);
  Tame({.iser = true}, &scenario);
  return scenario;
}

SessionOptions OnTransport(bool iser) {
  SessionOptions options;
  options.iser = iser;
  return options;
}

// All that a setting may change.
std::string Told(const ChosenTarget& chosen, const fabric::SimOptions& network, uint64_t loops) {
  const target::NodeOptions& node = chosen.options.node;
  const target::NegotiationLimits& limits = node.limits;
  std::string told =
      absl::StrCat(node.legal_variation.value_or(0), node.plain_text, " ", loops, " access ",
                   node.access.size(), " log ", node.log.Logs(base::LogLevel::kDebug), " tap ",
                   node.tap != nullptr, " ping ", absl::FormatDuration(node.ping_interval),
                   " buffers ", node.buffer_bytes, " ", node.session_buffer_bytes, " depth ",
                   node.queue_depth, " logins ", node.max_logins, " sessions ", node.max_sessions);
  absl::StrAppend(&told, " time ", absl::FormatDuration(node.login_timeout), " limits ",
                  limits.max_recv_data_segment_length, " ", limits.max_burst_length, " ",
                  limits.first_burst_length, " ", limits.max_outstanding_r2t, " ",
                  limits.initial_r2t, limits.immediate_data, limits.header_digest, " ",
                  limits.default_time2wait, " ", limits.default_time2retain, " ",
                  limits.initiator_recv_data_segment_length, " ");
  absl::StrAppend(&told, limits.max_outstanding_unexpected_pdus, " chap ",
                  chosen.options.chap.has_value(), " unit ", chosen.facts.block_size,
                  chosen.facts.write_protected, chosen.facts.forgets_writes, " dialect ",
                  static_cast<int>(chosen.options.iser_dialect), " network ",
                  network.to_acceptor.max_read_bytes, " ", network.to_acceptor.buffer_bytes, " ",
                  network.to_acceptor.read_block_percent);
  return told;
}

TEST(SettingsTest, EachIsAnotherTarget) {
  for (const NamedNumbers& setting : AllSettings()) {
    if (setting.name == "target_plain_text") continue;  // below
    std::set<std::string> told;
    for (const uint64_t number : setting.numbers) {
      const Settings settings(With(setting.name, number, ""));
      told.insert(Told(TargetOfSettings(settings, {}, 1, nullptr), NetworkOfSettings(settings),
                       settings.Within(Setting::kLoops, 1, 3).value_or(1)));
    }
    EXPECT_GT(told.size(), 1u) << setting.name;
  }
  Settings plain;
  plain.Set(Setting::kVariation, 3);
  plain.Set(Setting::kPlainText, 1);
  EXPECT_TRUE(TargetOfSettings(plain, {}, 1, nullptr).options.node.plain_text);
}

TEST(SettingsTest, NoneExcusesOrMakesAFinding) {
  constexpr std::string_view kSteps =
      "step { login {} } step { command { task: 'w' cdb { write { lba: 1 blocks: 40 } } } }"
      "step { send { task: 'r' count: 3 pdu { scsi_command { read: true"
      " cdb { read { blocks: 16 } } } } } } step { gather_data_in { task: 'r' } }"
      "step { send { task: 'n' pdu { nop_out {} data { pattern { length: 400 } } } } }"
      "step { connection: 'b' login { session: 'b' } } step { elapse { milliseconds: 40000 } }"
      "step { connection: 'b' probe {} } step { trigger { hook: 'describe' } }"
      "step { connection: 'd' login { discovery: true } }";
  for (const bool iser : {false, true}) {
    for (const NamedNumbers& setting : AllSettings()) {
      std::set<uint64_t> numbers = {setting.numbers[0]};
      if (!iser) numbers.insert({setting.numbers.back(), 0, UINT64_MAX});
      for (const uint64_t number : numbers) {
        const auto findings = PlaySession(OnTransport(iser), With(setting.name, number, kSteps));
        EXPECT_TRUE(findings.empty()) << setting.name << " " << number << (iser ? " iSER\n" : "\n")
                                      << absl::StrJoin(findings, "\n");
        if (number != setting.numbers[0]) continue;
        // Nor does it hide a defect.
        SessionOptions wrong = OnTransport(iser);
        wrong.bugs.Add(*target::ParseBugName("nop_in_data_dropped"));
        EXPECT_FALSE(PlaySession(wrong, With(setting.name, number, kSteps)).empty())
            << setting.name << " " << number;
      }
    }
  }
}

TEST(SettingsTest, AStoppedTargetIsNoFinding) {
  for (const bool iser : {false, true}) {
    for (const char* const steps :
         {"step { login {} } step { trigger { hook: 'stop' argument { name: 'within_s' number: 4 } "
          "} } step { probe {} } step { trigger { hook: 'stop' } } step { logout {} }"
          "step { connection: 'b' login {} }",
          "step { login {} } step { trigger { hook: 'stop' } } step { elapse { milliseconds: 20000 "
          "} } step { trigger { hook: 'describe' } }"}) {
      const auto findings = PlaySession(OnTransport(iser), With("target_loops", 2, steps));
      EXPECT_TRUE(findings.empty()) << absl::StrJoin(findings, "\n");
    }
  }
}

TEST(SettingsTest, WhatALogLineMustNotHaveIsTold) {
  Settings settings;
  settings.Set(Setting::kLog, 1);
  std::string told;
  const ChosenTarget chosen =
      TargetOfSettings(settings, {}, 1, [&told](std::string what) { told = std::move(what); });
  const base::Logger& log = chosen.options.node.log;
  log.Write(base::LogLevel::kInfo, absl::UnixEpoch(), "fine", base::LogFields().Add("a", "\n"));
  EXPECT_EQ(told, "");
  log.Write(base::LogLevel::kInfo, absl::UnixEpoch(), "not\tfine", {});
  EXPECT_EQ(told, "a log line of not\tfine has byte 9");
}

}  // namespace
}  // namespace pushpull::fuzz
