#include "conformance/runner/last_play.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "conformance/report/explain.h"
#include "conformance/runner/wire_files.h"

namespace pushpull::conformance {
namespace {

constexpr size_t kMaxPerRule = 10;
constexpr size_t kMostLines = 12;  // of the wire log's end
constexpr char kFolder[] = "preflight";

}  // namespace

LastPlay::LastPlay()
    : log_(std::make_unique<WireLog>()),
      monitor_(std::make_unique<Monitor>(kMaxPerRule, Judged::kTarget)) {}

void LastPlay::OnStep(size_t step, absl::Time time) {
  if (step == 0) *this = LastPlay();
  log_->OnStep(step, time);
}

void LastPlay::OnOpened(const initiator_sim::TapConnection& connection, absl::Time time) {
  log_->OnOpened(connection, time);
  monitor_->OnOpened(connection, time);
}

void LastPlay::OnClosed(const initiator_sim::TapConnection& connection, absl::Time time,
                        bool by_peer, const std::string& reason) {
  log_->OnClosed(connection, time, by_peer, reason);
  monitor_->OnClosed(connection, time, by_peer, reason);
}

void LastPlay::OnBytes(const initiator_sim::TapConnection& connection, absl::Time time,
                       Direction direction, base::Bytes bytes) {
  log_->OnBytes(connection, time, direction, bytes);
}

void LastPlay::OnPdu(const initiator_sim::TapPdu& pdu) {
  log_->OnPdu(pdu);
  monitor_->OnPdu(pdu);
}

void LastPlay::OnRdma(const initiator_sim::TapRdma& operation) { log_->OnRdma(operation); }

void LastPlay::OnIserMessage(const initiator_sim::TapConnection& connection, absl::Time time,
                             Direction direction, base::Bytes message) {
  log_->OnIserMessage(connection, time, direction, message);
}

absl::StatusOr<std::string> LastPlay::Tell(const ResultFolder* folder) const {
  const bool moved =
      std::any_of(log_->entries().begin(), log_->entries().end(), [](const WireEntry& entry) {
        return entry.kind != WireEntry::Kind::kStep && entry.kind != WireEntry::Kind::kOpened &&
               entry.kind != WireEntry::Kind::kClosed;
      });
  if (!moved) return "";
  v1::CaseResult judged;
  const std::vector<v1::Violation> violations = monitor_->violations();
  for (const v1::Violation& violation : violations) *judged.add_violation() = violation;
  const std::vector<std::string> lines = absl::StrSplit(ToText(*log_, {}), '\n', absl::SkipEmpty());
  const size_t left_out = lines.size() - std::min(lines.size(), kMostLines);
  std::string text = "On the wire:\n";
  if (left_out > 0) absl::StrAppend(&text, "  (", left_out, " lines before)\n");
  for (size_t i = left_out; i < lines.size(); ++i) absl::StrAppend(&text, "  ", lines[i], "\n");
  for (const std::string& line : ViolationLines(judged)) {
    absl::StrAppend(&text, "The monitor: ", line, "\n");
  }
  if (folder == nullptr) {
    absl::StrAppend(&text, "With --out FOLDER it is kept field by field, and for Wireshark.\n");
  } else {
    PUSHPULL_RETURN_IF_ERROR(WriteWire(*folder, kFolder, *log_, violations));
    const std::filesystem::path path = std::filesystem::absolute(folder->path());
    absl::StrAppend(&text,
                    "Field by field: ", (path / folder->CasePath(kFolder, "wire.txt")).string(),
                    "; for Wireshark: wire.pcapng beside it.\n");
  }
  return absl::StrCat(text,
                      "This was the plain session before the first case, and no case was played: "
                      "each needs one that goes. Mend that first.\n");
}

}  // namespace pushpull::conformance
