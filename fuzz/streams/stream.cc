#include "fuzz/streams/stream.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"

namespace pushpull::streams {
namespace {

namespace model = conformance::model;

constexpr uint64_t kRam = 0, kLarge = uint64_t{0x412c} << 48, kPattern = uint64_t{7} << 48,
                   kEmulated = uint64_t{9} << 48;

std::string HexOf(const std::vector<uint8_t>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) absl::StrAppend(&text, absl::StrFormat(" %02x", byte));
  return text;
}

// Runs of a byte are counted: "512*07".
std::string DataText(const std::vector<uint8_t>& data) {
  constexpr size_t kMostRuns = 64;
  std::string text;
  size_t runs = 0;
  for (size_t at = 0; at < data.size() && runs < kMostRuns; ++runs) {
    size_t end = at;
    while (end < data.size() && data[end] == data[at]) ++end;
    const std::string count = end - at > 1 ? absl::StrCat(end - at, "*") : "";
    absl::StrAppend(&text, " ", count, absl::StrFormat("%02x", data[at]));
    at = end;
  }
  return absl::StrCat(data.size(), " bytes:", text, runs == kMostRuns ? " ..." : "");
}

model::Outcome OutcomeOf(const Answer& answer) {
  model::Outcome outcome{static_cast<model::Status>(answer.status), {}};
  if (outcome.status != model::Status::kCheckCondition || answer.sense.size() < 8) return outcome;
  const std::vector<uint8_t>& sense = answer.sense;
  if (sense[0] == 0x72) {
    outcome.sense = {static_cast<uint8_t>(sense[1] & 0xf), sense[2], sense[3], {}};
    const bool information = sense.size() >= 20 && sense[8] == 0 && sense[9] == 0x0a;
    if (information) outcome.sense.information = base::LoadBe64(&sense[12]);
  } else if (sense.size() >= 14) {
    outcome.sense = {static_cast<uint8_t>(sense[2] & 0xf), sense[12], sense[13], {}};
    if ((sense[0] & 0x80) != 0) outcome.sense.information = base::LoadBe32(&sense[3]);
  }
  return outcome;
}

// SPC-4 §4.5.2.4.2: what the field pointer says it points into, and whether that is there.
bool FieldPointerFits(const model::Command& command, const Answer& answer) {
  const std::vector<uint8_t>& sense = answer.sense;
  if (sense.size() < 18 || (sense[0] & 0x7f) != 0x70 || (sense[15] & 0x80) == 0) return true;
  const bool in_cdb = (sense[15] & 0x40) != 0;
  const uint16_t byte = base::LoadBe16(&sense[16]);
  constexpr uint8_t kIllegalRequest = 5;
  if ((sense[2] & 0x0f) != kIllegalRequest) return true;  // how far something got
  if (sense[12] == 0x24) return in_cdb && byte < 32;
  return !in_cdb && byte < std::max<size_t>(command.data_out.size(), 1);
}

std::string OutcomeText(const model::Outcome& outcome) {
  std::string text = absl::StrFormat("status %02x", static_cast<int>(outcome.status));
  const model::Sense& sense = outcome.sense;
  if (outcome.status != model::Status::kCheckCondition) return text;
  absl::StrAppend(&text, absl::StrFormat(" %x/%02x/%02x", sense.key, sense.code, sense.qualifier));
  if (sense.information.has_value()) absl::StrAppend(&text, " information ", *sense.information);
  return text;
}

std::string Due(const model::Expected& expected) {
  std::string text;
  for (const model::Outcome& outcome : expected.outcomes) {
    absl::StrAppend(&text, text.empty() ? "" : " or ", OutcomeText(outcome));
  }
  return text;
}

model::Command MakeCommand(size_t nexus, uint64_t lun, std::vector<uint8_t> cdb,
                           std::vector<uint8_t> data = {}) {
  return {nexus, lun, std::move(cdb), std::move(data)};
}

Item ReadAll(uint64_t lun, uint64_t blocks) {
  std::vector<uint8_t> cdb(16);
  cdb[0] = 0x88;
  base::StoreBe32(&cdb[10], static_cast<uint32_t>(blocks));
  return {Item::Kind::kCommand, MakeCommand(0, lun, cdb)};
}

}  // namespace

std::string Describe(const Item& item) {
  const model::Command& command = item.command;
  const std::string who(1, static_cast<char>('a' + command.nexus));
  if (item.kind == Item::Kind::kSettle) return "all that goes on comes to its end";
  if (item.kind == Item::Kind::kTogether) {
    std::string text = "together, ready in the order";
    for (const size_t place : item.ready) absl::StrAppend(&text, " ", place);
    for (const model::Command& one : item.together) {
      absl::StrAppend(&text, "\n  ", Describe({Item::Kind::kCommand, one}));
    }
    return text;
  }
  if (item.kind == Item::Kind::kReopen) return absl::StrCat(who, " ends its session, and logs in");
  const std::string whom = absl::StrFormat("%s lun %016x", who, command.lun);
  if (item.kind == Item::Kind::kUnitReset) return absl::StrCat(whom, " LOGICAL UNIT RESET");
  constexpr const char* kAttributes[] = {" untagged", "", " ordered", " head of queue", " ACA"};
  const bool named = command.attribute < std::size(kAttributes);
  return absl::StrCat(
      whom, named ? kAttributes[command.attribute] : " reserved attribute", HexOf(command.cdb),
      command.data_out.empty() ? "" : absl::StrCat(", ", DataText(command.data_out)));
}

std::string Describe(const Stream& stream) {
  std::string text;
  for (const Item& item : stream) absl::StrAppend(&text, Describe(item), "\n");
  return text;
}

std::optional<std::string> Difference(const model::Command& command,
                                      const model::Expected& expected, const Answer& answer) {
  if (answer.aborted) return "it was aborted";
  const model::Outcome outcome = OutcomeOf(answer);
  if (!expected.Allows(outcome)) {
    return absl::StrCat(OutcomeText(outcome), " came, due is ", Due(expected));
  }
  if (outcome.status == model::Status::kCheckCondition && !FieldPointerFits(command, answer)) {
    return absl::StrCat("the field pointer of", HexOf(answer.sense), " points nowhere");
  }
  if (outcome.status != model::Status::kGood) return std::nullopt;
  const std::vector<uint8_t>& due = expected.data_in;
  const std::vector<uint8_t>& came = answer.data_in;
  const bool length_fits = expected.more_may_follow ? came.size() >= due.size() &&
                                                          came.size() <= expected.allocation_length
                                                    : came.size() == due.size();
  if (!length_fits) {
    return absl::StrCat(came.size(), " bytes of data came, due are ",
                        expected.more_may_follow ? "at least " : "", due.size());
  }
  for (size_t i = 0; i < due.size(); ++i) {
    const uint8_t varies = expected.varies.empty() ? 0 : expected.varies[i];
    if (((due[i] ^ came[i]) & ~varies) == 0) continue;
    return absl::StrFormat("byte %d of the data is %02x, due is %02x", i, came[i], due[i]);
  }
  return std::nullopt;
}

std::vector<model::UnitTraits> Units() {
  model::UnitTraits pattern{.number = 7, .blocks = 64, .read_only = true, .serial = "PATTERN"};
  pattern.thin = pattern.atomic_writes = false;
  pattern.addresses = true;
  model::UnitTraits emulated{.number = 9, .blocks = 128, .serial = "512E"};
  emulated.physical_exponent = 3;
  emulated.lowest_aligned_lba = 7;
  return {{.number = 0, .blocks = 128, .serial = "RAM"},
          pattern,
          {.number = 300, .blocks = 64, .block_size = 4096, .serial = "LARGE"},
          emulated};
}

std::vector<uint64_t> Luns() { return {kRam, kPattern, kLarge, kEmulated}; }

std::vector<model::Port> Ports() {
  const std::string name = "iqn.2026-11.org.pushpull:initiator";
  return {{name, {0x80, 0x70, 0x75, 0x6c, 0x00, 0x01}},
          {name, {0x80, 0x70, 0x75, 0x6c, 0x00, 0x02}},
          {name, {0x80, 0x70, 0x75, 0x6c, 0x00, 0x03}}};
}

Stream Ending() {
  constexpr uint8_t kKey = 0x99;
  Stream stream = {{Item::Kind::kSettle, {}}};
  const std::vector<model::UnitTraits> units = Units();
  for (size_t i = 0; i < units.size(); ++i) {
    const uint64_t lun = Luns()[i];
    stream.push_back({Item::Kind::kUnitReset, MakeCommand(0, lun, {})});
    const auto add = [&](std::vector<uint8_t> cdb, std::vector<uint8_t> data = {}) {
      stream.push_back(
          {Item::Kind::kCommand, MakeCommand(0, lun, std::move(cdb), std::move(data))});
    };
    std::vector<uint8_t> list(24);
    list[15] = kKey;  // registered
    add({0, 0, 0, 0, 0, 0});
    add({0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0}, list);
    list[7] = kKey;  // cleared
    add({0x5f, 3, 0, 0, 0, 0, 0, 0, 24, 0}, list);
    add({0x5e, 3, 0, 0, 0, 0, 0, 0xff, 0xff, 0});
    stream.push_back(ReadAll(lun, units[i].blocks));
    if (units[i].thin) {
      add({0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0});
    }
  }
  return stream;
}

model::Expected Take(const Item& item, model::Model* model) {
  const model::Command& command = item.command;
  switch (item.kind) {
    case Item::Kind::kReopen:
      model->Settle();
      model->Close(command.nexus);
      model->Open(command.nexus);
      return {};
    case Item::Kind::kUnitReset:
      model->ResetUnit(command.lun);
      return {};
    case Item::Kind::kSettle:
      model->Settle();
      return {};
    case Item::Kind::kTogether:
      for (const model::Command& one : item.together) model->Do(one);
      return {};
    default:
      return model->Do(command);
  }
}

}  // namespace pushpull::streams
