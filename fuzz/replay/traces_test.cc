// The traces of corpus/traces: each is well written, and together they have every kind of PDU, AHS,
// length and digest that a receiver must be cut in.

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "conformance/scenario/lint.h"
#include "conformance/scenario/scenario_file.h"
#include "fuzz/replay/scenario_trace.h"
#include "fuzz/replay/trace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::replay {
namespace {

using conformance::ScenarioFile;
using initiator_sim::DecodedPdu;
using testing::IsEmpty;
using testing::IsSupersetOf;

constexpr char kRoot[] = "corpus/traces";

const std::vector<ScenarioFile>& Files() {
  static const std::vector<ScenarioFile>* const files = [] {
    auto loaded = conformance::LoadScenarios(kRoot);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return new std::vector<ScenarioFile>(loaded.ok() ? *std::move(loaded)
                                                     : std::vector<ScenarioFile>());
  }();
  return *files;
}

bool IsStatic(const ScenarioFile& file) { return file.scenario.has_trace(); }

// The static ones, encoded.
const std::vector<Trace>& Traces() {
  static const std::vector<Trace>* const traces = [] {
    auto* all = new std::vector<Trace>();
    for (const ScenarioFile& file : Files()) {
      if (!IsStatic(file)) continue;
      auto made = TraceFromScenario(file.scenario, file.path);
      EXPECT_TRUE(made.ok()) << file.path << ": " << made.status();
      if (made.ok()) all->push_back(std::move(made->trace));
    }
    return all;
  }();
  return *traces;
}

// A PDU of a trace whose bytes are right.
struct Seen {
  const Trace* trace;
  const PduBorders* borders;
  DecodedPdu decoded;

  initiator_sim::PduKind kind() const { return decoded.pdu.kind_case(); }
  size_t data_length() const { return borders->data_end - borders->header_digest_end; }
};

const std::vector<Seen>& Pdus() {
  static const std::vector<Seen>* const pdus = [] {
    auto* all = new std::vector<Seen>();
    for (const Trace& trace : Traces()) {
      for (size_t i = 0; i < trace.pdus.size(); ++i) {
        DecodedPdu decoded =
            initiator_sim::Decode(trace.BytesOf(trace.pdus[i]), trace.DigestsOf(i));
        if (!decoded.flaw.empty() || !decoded.header_digest_ok || !decoded.data_digest_ok) continue;
        all->push_back({&trace, &trace.pdus[i], std::move(decoded)});
      }
    }
    return all;
  }();
  return *pdus;
}

std::string Digests(const Trace& trace) {
  return absl::StrCat(trace.parameters.header_digest ? "header" : "",
                      trace.parameters.data_digest ? "data" : "");
}

TEST(TracesTest, AreWellWritten) {
  std::vector<std::string> errors;
  for (const ScenarioFile& file : Files()) {
    for (const conformance::LintError& error :
         conformance::Lint(file, {.id = conformance::IdOfPath(kRoot, file.path)})) {
      errors.push_back(error.ToString());
    }
    const bool session = file.scenario.id().starts_with("session/");
    EXPECT_NE(IsStatic(file), session) << file.path << ": only sessions have a peer";
    const char* folder = file.scenario.role() == v1::TARGET ? "to_initiator/" : "to_target/";
    EXPECT_TRUE(session || file.scenario.id().starts_with(folder)) << file.path;
  }
  EXPECT_EQ(absl::StrJoin(errors, "\n"), "");
  EXPECT_GE(Files().size(), 60u);
}

TEST(TracesTest, HaveEachKindInItsDirectionUnderAllDigests) {
  std::vector<std::string> missing;
  for (uint8_t opcode = 0; opcode < 64; ++opcode) {
    const initiator_sim::PduKind kind = initiator_sim::KindOf(opcode);
    if (kind == v1::Pdu::kRaw) continue;
    const Direction direction =
        initiator_sim::IsRequest(kind) ? Direction::kToTarget : Direction::kToInitiator;
    std::set<std::string> digests;
    for (const Seen& seen : Pdus()) {
      if (seen.kind() == kind && seen.trace->direction == direction) {
        digests.insert(Digests(*seen.trace));
      }
    }
    // A login has none.
    const bool login = kind == v1::Pdu::kLoginRequest || kind == v1::Pdu::kLoginResponse;
    if (digests.size() < (login ? 1u : 4u)) {
      missing.push_back(absl::StrCat(initiator_sim::NameOf(kind), ": ", digests.size()));
    }
  }
  EXPECT_THAT(missing, IsEmpty());
}

// Reserved and foreign opcodes, which a receiver refuses and goes on.
TEST(TracesTest, HaveOpcodesThatBelongToNobody) {
  std::set<Direction> unknown, foreign;
  for (const Seen& seen : Pdus()) {
    const bool to_target = seen.trace->direction == Direction::kToTarget;
    if (seen.kind() == v1::Pdu::kRaw) unknown.insert(seen.trace->direction);
    if (to_target ? initiator_sim::IsResponse(seen.kind()) : initiator_sim::IsRequest(seen.kind()))
      foreign.insert(seen.trace->direction);
  }
  EXPECT_EQ(unknown.size(), 2u);
  EXPECT_EQ(foreign.size(), 2u);
}

TEST(TracesTest, HaveLoginAndTextThatGoOn) {
  std::set<initiator_sim::PduKind> continued;
  for (const Seen& seen : Pdus()) {
    const v1::Pdu& pdu = seen.decoded.pdu;
    if (pdu.login_request().text_continue() || pdu.login_response().text_continue() ||
        pdu.text_request().text_continue() || pdu.text_response().text_continue()) {
      continued.insert(seen.kind());
    }
  }
  EXPECT_THAT(continued,
              testing::UnorderedElementsAre(v1::Pdu::kLoginRequest, v1::Pdu::kLoginResponse,
                                            v1::Pdu::kTextRequest, v1::Pdu::kTextResponse));
}

TEST(TracesTest, HaveAhsOfEachTypeAloneAndTogether) {
  std::set<uint32_t> alone;
  std::set<size_t> pads;
  bool all_at_once = false;
  bool all_with_data_and_digests = false;
  for (const Seen& seen : Pdus()) {
    std::set<uint32_t> types;
    for (const v1::Ahs& ahs : seen.decoded.pdu.ahs()) {
      types.insert(std::min(ahs.ahs_type(), 3u));  // 3 and above are unassigned
      pads.insert((4 - (3 + ahs.ahs_length()) % 4) % 4);
    }
    if (seen.decoded.pdu.ahs_size() == 1) alone.insert(types.begin(), types.end());
    if (types != std::set<uint32_t>{1, 2, 3}) continue;
    all_at_once = true;
    all_with_data_and_digests |=
        seen.data_length() % 4 != 0 && Digests(*seen.trace) == "headerdata";
  }
  EXPECT_THAT(alone, IsSupersetOf({1u, 2u, 3u}));
  EXPECT_THAT(pads, testing::ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(all_at_once);
  EXPECT_TRUE(all_with_data_and_digests);
}

TEST(TracesTest, HaveImmediateDataOfEachSizeAndDigest) {
  std::set<size_t> sizes;
  std::set<std::string> with_pad;
  bool most = false;
  for (const Seen& seen : Pdus()) {
    const v1::Pdu& pdu = seen.decoded.pdu;
    if (!pdu.scsi_command().write()) continue;
    sizes.insert(seen.data_length());
    if (seen.data_length() % 4 != 0) with_pad.insert(Digests(*seen.trace));
    const Parameters& parameters = seen.trace->parameters;
    most |= parameters.first_burst_length >= 65536 &&
            seen.data_length() ==
                std::min(parameters.first_burst_length, parameters.max_recv_data_segment_length);
  }
  EXPECT_THAT(sizes, IsSupersetOf({0, 1, 2, 3, 4, 511, 512, 8192, 65536}));
  EXPECT_TRUE(most);
  EXPECT_THAT(with_pad, testing::ElementsAre("", "data", "header", "headerdata"));
}

TEST(TracesTest, HaveUnsolicitedDataAndSeveralR2tsInFlight) {
  bool unsolicited = false;
  size_t most_tags = 0, most_tasks = 0, most_r2ts = 0;
  std::map<const Trace*, std::set<uint32_t>> tags, tasks, r2ts;
  std::map<const Trace*, uint32_t> last_tag;
  std::set<const Trace*> in_turns;
  for (const Seen& seen : Pdus()) {
    const v1::Pdu& pdu = seen.decoded.pdu;
    if (pdu.has_r2t()) r2ts[seen.trace].insert(pdu.r2t().target_transfer_tag());
    most_r2ts = std::max(most_r2ts, r2ts[seen.trace].size());
    if (!pdu.has_data_out()) continue;
    const uint32_t tag = pdu.data_out().target_transfer_tag();
    unsolicited |= tag == initiator_sim::kReservedTag;
    // The tag came back after another one: both sequences were open.
    if (tags[seen.trace].contains(tag) && last_tag[seen.trace] != tag) in_turns.insert(seen.trace);
    last_tag[seen.trace] = tag;
    tags[seen.trace].insert(tag);
    tasks[seen.trace].insert(pdu.data_out().initiator_task_tag());
    most_tags = std::max(most_tags, tags[seen.trace].size());
    most_tasks = std::max(most_tasks, tasks[seen.trace].size());
  }
  EXPECT_TRUE(unsolicited);
  EXPECT_FALSE(in_turns.empty());
  EXPECT_GE(most_tags, 4u);
  EXPECT_GE(most_tasks, 3u);
  EXPECT_GE(most_r2ts, 4u);
}

TEST(TracesTest, HaveOddSizesBackToBack) {
  std::set<Direction> directions;
  for (const Trace& trace : Traces()) {
    size_t odd = 0;
    for (const PduBorders& pdu : trace.pdus) odd += (pdu.data_end - pdu.header_digest_end) % 2;
    if (odd >= 8) directions.insert(trace.direction);
  }
  EXPECT_EQ(directions.size(), 2u);
}

// What is wrong, and where.
TEST(TracesTest, HaveEachFault) {
  std::set<std::string> faults;
  for (const Trace& trace : Traces()) {
    const std::string to = trace.direction == Direction::kToTarget ? "target" : "initiator";
    for (size_t i = 0; i < trace.pdus.size(); ++i) {
      const base::Bytes bytes = trace.BytesOf(trace.pdus[i]);
      const DecodedPdu decoded = initiator_sim::Decode(bytes, trace.DigestsOf(i));
      if (!decoded.header_digest_ok) faults.insert(to + ": header digest");
      if (!decoded.data_digest_ok) faults.insert(to + ": data digest");
      if (!decoded.flaw.empty()) faults.insert(to + ": AHS length");
      const PduBorders& pdu = trace.pdus[i];
      if (pdu.data_end - pdu.header_digest_end > trace.parameters.max_recv_data_segment_length) {
        faults.insert(to + ": beyond the limit");
      }
      if (pdu.ahs_end() - pdu.bhs_end > trace.parameters.max_ahs_bytes) {
        faults.insert(to + ": AHS beyond the limit");
      }
    }
    if (!trace.has_tail()) continue;
    const size_t size = trace.tail().size();
    if (size < initiator_sim::kBhsSize) {
      faults.insert(to + ": cut in header");
      continue;
    }
    const initiator_sim::PduLayout layout =
        initiator_sim::LayoutOf(trace.tail(), trace.DigestsOf(trace.pdus.size()));
    faults.insert(to + (size < layout.header_digest ? ": cut in AHS"
                        : size < layout.data        ? ": cut in header digest"
                        : size < layout.pad         ? ": cut in data"
                        : size < layout.data_digest ? ": cut in pad"
                                                    : ": cut in data digest"));
  }
  EXPECT_THAT(
      faults,
      IsSupersetOf({"target: header digest", "target: data digest", "target: AHS length",
                    "target: beyond the limit", "target: AHS beyond the limit",
                    "target: cut in header", "target: cut in AHS", "target: cut in header digest",
                    "target: cut in data", "target: cut in pad", "target: cut in data digest",
                    "initiator: header digest", "initiator: data digest",
                    "initiator: beyond the limit", "initiator: cut in header",
                    "initiator: cut in data", "initiator: cut in data digest"}));
}

}  // namespace
}  // namespace pushpull::replay
