#include "conformance/runner/profile.h"

#include <google/protobuf/text_format.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/civil_time.h"
#include "base/nearest.h"
#include "base/status.h"
#include "base/text_proto.h"
#include "conformance/monitor/rules.h"

namespace pushpull::conformance {
namespace {

constexpr uint32_t kMaxMilliseconds = 86'400'000;  // a day

using Where = google::protobuf::TextFormat::ParseInfoTree;

bool IsDate(const std::string& text) {
  int year = 0, month = 0, day = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  }
  if (text.size() != 10 || !absl::SimpleAtoi(text.substr(0, 4), &year) ||
      !absl::SimpleAtoi(text.substr(5, 2), &month) || !absl::SimpleAtoi(text.substr(8), &day)) {
    return false;
  }
  // The 31st of February is the 3rd of March to civil time.
  const absl::CivilDay date(year, month, day);
  return date.year() == year && date.month() == month && date.day() == day;
}

template <typename Names>
std::string Nearest(const std::string& name, const Names& names) {
  const std::vector<std::string> nearest =
      base::Nearest(name, std::vector<std::string>(names.begin(), names.end()));
  return nearest.empty() ? "there are none"
                         : absl::StrCat("nearest: ", absl::StrJoin(nearest, ", "));
}

class Checker {
 public:
  Checker(const v1::Profile& profile, const std::string& path, const Where& where,
          const ProfileVocabulary& vocabulary)
      : profile_(profile), path_(path), where_(where), vocabulary_(vocabulary) {}

  absl::Status Check() {
    for (int i = 0; i < profile_.expect_size(); ++i) CheckEntry(i);
    for (int i = 0; i < profile_.expect_violation_size(); ++i) CheckViolation(i);
    for (int i = 0; i < profile_.reading_size(); ++i) CheckReading(i);
    for (int i = 0; i < profile_.lacks_size(); ++i) {
      if (vocabulary_.capabilities.contains(profile_.lacks(i))) continue;
      Say("lacks", i,
          absl::StrCat("no scenario needs a capability \"", profile_.lacks(i), "\"; ",
                       Nearest(profile_.lacks(i), vocabulary_.capabilities)));
    }
    for (int i = 0; i < profile_.hook_size(); ++i) CheckHook(i);
    if (profile_.has_step_timeout_ms()) CheckTime("step_timeout_ms", profile_.step_timeout_ms());
    if (profile_.has_command_timeout_ms()) {
      CheckTime("command_timeout_ms", profile_.command_timeout_ms());
    }
    if (errors_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(errors_, "\n"));
  }

 private:
  void CheckEntry(int i) {
    const v1::ExpectedFailure& entry = profile_.expect(i);
    if (entry.id().empty() || entry.reason().empty()) {
      Say("expect", i, absl::StrCat("entry \"", entry.id(), "\": an id and a reason are needed"));
    }
    if (!entry.id().empty() && !ids_.insert(entry.id()).second) {
      Say("expect", i, absl::StrCat("entry \"", entry.id(), "\" is there twice: make it one"));
    }
    for (const std::string& name : entry.verdict()) {
      v1::Verdict verdict;
      if (v1::Verdict_Parse(name, &verdict) && MayBeExpected(verdict)) continue;
      Say("expect", i,
          absl::StrCat("entry \"", entry.id(), "\": verdict \"", name,
                       "\" is not one of FAIL, TIMEOUT, WARN, AMBIGUOUS"));
    }
    CheckDate("expect", i, entry.id(), entry.expires());
  }

  void CheckViolation(int i) {
    const v1::ExpectedViolation& entry = profile_.expect_violation(i);
    if (entry.reason().empty()) {
      Say("expect_violation", i, absl::StrCat("entry \"", entry.rule(), "\": a reason is needed"));
    }
    std::set<std::string> names;
    for (const Rule& rule : TargetRules()) names.insert(std::string(rule.name));
    for (const Rule& rule : InitiatorRules()) names.insert(std::string(rule.name));
    if (!names.contains(entry.rule())) {
      Say("expect_violation", i,
          absl::StrCat("the monitor has no rule \"", entry.rule(), "\"; ",
                       Nearest(entry.rule(), names)));
    }
    if (!rules_.insert(entry.rule()).second) {
      Say("expect_violation", i, absl::StrCat("entry \"", entry.rule(), "\" is there twice"));
    }
    CheckDate("expect_violation", i, entry.rule(), entry.expires());
  }

  void CheckDate(const char* field, int i, const std::string& name, const std::string& date) {
    if (date.empty() || IsDate(date)) return;
    Say(field, i,
        absl::StrCat("entry \"", name, "\": expires must be a date, YYYY-MM-DD, not \"", date,
                     "\""));
  }

  void CheckReading(int i) {
    const v1::Reading& reading = profile_.reading(i);
    const auto known = vocabulary_.readings.find(reading.ambiguity());
    if (known == vocabulary_.readings.end()) {
      std::vector<std::string> names;
      for (const auto& [name, choices] : vocabulary_.readings) names.push_back(name);
      Say("reading", i,
          absl::StrCat("no scenario knows of an ambiguity \"", reading.ambiguity(), "\"; ",
                       Nearest(reading.ambiguity(), names)));
    } else if (known->second.empty()) {
      Say("reading", i,
          absl::StrCat("no scenario leaves a choice of readings of ", reading.ambiguity()));
    } else if (!known->second.contains(reading.choice())) {
      Say("reading", i,
          absl::StrCat(reading.ambiguity(), " can't be read as \"", reading.choice(),
                       "\" but as: ", absl::StrJoin(known->second, ", ")));
    }
    if (!ambiguities_.insert(reading.ambiguity()).second) {
      Say("reading", i, absl::StrCat("a second reading of ", reading.ambiguity()));
    }
  }

  void CheckHook(int i) {
    const v1::HookCommand& hook = profile_.hook(i);
    constexpr char kName[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (hook.hook().empty() || hook.hook().find_first_not_of(kName) != std::string::npos) {
      Say("hook", i,
          absl::StrCat("hook \"", hook.hook(), "\": its name is made of letters, digits, _ and -"));
    }
    if (hook.command().empty()) {
      Say("hook", i, absl::StrCat("hook \"", hook.hook(), "\": it has no command"));
    }
    if (!hooks_.insert(hook.hook()).second) {
      Say("hook", i, absl::StrCat("hook \"", hook.hook(), "\" is there twice"));
    } else if (!hook.hook().empty() && !vocabulary_.hooks.contains(hook.hook())) {
      Say("hook", i,
          absl::StrCat("no scenario triggers a hook \"", hook.hook(), "\"; ",
                       Nearest(hook.hook(), vocabulary_.hooks)));
    }
  }

  void CheckTime(const char* field, uint32_t milliseconds) {
    if (milliseconds != 0 && milliseconds <= kMaxMilliseconds) return;
    Say(field, -1,
        absl::StrCat(field, " is ", milliseconds, ", but can be 1 to ", kMaxMilliseconds));
  }

  void Say(const char* field, int index, const std::string& what) {
    const auto* descriptor = v1::Profile::descriptor()->FindFieldByName(field);
    const int line = where_.GetLocation(descriptor, index).line + 1;
    errors_.push_back(absl::StrCat(path_, ":", line, ": ", what));
  }

  const v1::Profile& profile_;
  const std::string& path_;
  const Where& where_;
  const ProfileVocabulary& vocabulary_;
  std::vector<std::string> errors_;
  std::set<std::string> ids_, rules_, ambiguities_, hooks_;
};

// The parser counts lines and columns from 0; a tab goes to the next multiple of eight.
size_t OffsetOf(std::string_view text, int line, int column) {
  size_t at = 0;
  for (; line > 0 && at < text.size(); --line) at = text.find('\n', at) + 1;
  for (int seen = 0; seen < column && at < text.size(); ++at) {
    seen = text[at] == '\t' ? seen + 8 - seen % 8 : seen + 1;
  }
  return at;
}

size_t LineBegin(std::string_view text, size_t at) {
  const size_t newline = text.substr(0, at).rfind('\n');
  return newline == std::string_view::npos ? 0 : newline + 1;
}

bool IsComment(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '#';
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Of an entry: with the comments right above it, to the end of its last line where nothing else
// stands on it, and with the blank line below.
std::pair<size_t, size_t> Extent(std::string_view text, const ProfileFile::Place& place) {
  size_t begin = place.begin;
  if (IsBlank(text.substr(LineBegin(text, begin), begin - LineBegin(text, begin)))) {
    begin = LineBegin(text, begin);
    // A comment at the head of the file says what the file is, unless it touches its first entry.
    while (begin > 0) {
      const size_t above = LineBegin(text, begin - 1);
      if (!IsComment(text.substr(above, begin - 1 - above))) break;
      begin = above;
    }
  }
  size_t end = place.end;
  const size_t newline = text.find('\n', end);
  const size_t line_end = newline == std::string_view::npos ? text.size() : newline + 1;
  const std::string_view rest = text.substr(end, line_end - end);
  if (IsBlank(rest) || IsComment(rest)) {
    end = line_end;
    const size_t next = text.find('\n', end);
    if (next != std::string_view::npos && IsBlank(text.substr(end, next - end))) end = next + 1;
  }
  return {begin, end};
}

void AppendField(const char* name, const std::string& value, std::string* out) {
  if (value.empty()) return;
  absl::StrAppend(out, "  ", name, ": ", QuotedText(value), "\n");
}

std::string EntryText(const v1::ExpectedFailure& entry) {
  std::string out = "\nexpect {\n";
  AppendField("id", entry.id(), &out);
  for (const std::string& verdict : entry.verdict()) AppendField("verdict", verdict, &out);
  AppendField("message_prefix", entry.message_prefix(), &out);
  AppendField("reason", entry.reason(), &out);
  AppendField("bug", entry.bug(), &out);
  AppendField("expires", entry.expires(), &out);
  if (entry.unsteady()) out += "  unsteady: true\n";
  return out + "}\n";
}

}  // namespace

std::string QuotedText(const std::string& text) {
  // Apostrophes are escaped, each by a backslash of its own, and need none.
  return absl::StrCat("\"", absl::StrReplaceAll(absl::Utf8SafeCEscape(text), {{"\\'", "'"}}), "\"");
}

bool MayBeExpected(v1::Verdict verdict) {
  return verdict == v1::FAIL || verdict == v1::TIMEOUT || verdict == v1::WARN ||
         verdict == v1::AMBIGUOUS;
}

void ProfileVocabulary::Add(const std::vector<ScenarioFile>& files) {
  for (const ScenarioFile& file : files) {
    const auto& needed = file.scenario.needs().capability();
    capabilities.insert(needed.begin(), needed.end());
    const auto note = [this](const v1::Step& step) {
      if (step.has_trigger()) hooks.insert(step.trigger().hook());
      for (const auto* group : {&step.expect().one_of(), &step.expect().all_of()}) {
        for (const v1::Alternative& one : *group) {
          if (one.ambiguity().empty()) continue;
          std::set<std::string>& choices = readings[one.ambiguity()];
          if (one.verdict() == v1::ALTERNATIVE_AMBIGUOUS && !one.reading().empty()) {
            choices.insert(one.reading());
          }
        }
      }
    };
    for (const v1::Step& step : file.scenario.step()) note(step);
    for (const v1::SweepRow& row : file.scenario.sweep().row()) {
      for (const v1::Step& step : row.step()) note(step);
    }
  }
}

std::vector<uint32_t> ProfileFile::Lines() const {
  std::vector<uint32_t> lines;
  for (const Place& place : expect) lines.push_back(place.line);
  return lines;
}

absl::StatusOr<ProfileFile> ParseProfile(std::string text, const std::string& path,
                                         const ProfileVocabulary& vocabulary) {
  ProfileFile file;
  file.path = path;
  file.text = std::move(text);
  Where where;
  PUSHPULL_RETURN_IF_ERROR(base::ParseTextProto(file.text, path, &file.profile, &where));
  PUSHPULL_RETURN_IF_ERROR(Checker(file.profile, path, where, vocabulary).Check());
  const auto* field = v1::Profile::descriptor()->FindFieldByName("expect");
  for (int i = 0; i < file.profile.expect_size(); ++i) {
    const auto range = where.GetLocationRange(field, i);
    file.expect.push_back({.line = static_cast<uint32_t>(range.start.line + 1),
                           .begin = OffsetOf(file.text, range.start.line, range.start.column),
                           .end = OffsetOf(file.text, range.end.line, range.end.column)});
  }
  return file;
}

absl::StatusOr<ProfileFile> LoadProfile(const std::string& path,
                                        const ProfileVocabulary& vocabulary) {
  PUSHPULL_ASSIGN_OR_RETURN(std::string text, base::ReadTextFile(path));
  return ParseProfile(std::move(text), path, vocabulary);
}

std::string Repaired(const ProfileFile& file, const ProfileRepair& repair) {
  std::string text;
  size_t from = 0;
  for (const size_t i : repair.drop) {
    const auto [begin, end] = Extent(file.text, file.expect[i]);
    text.append(file.text, from, begin - from);
    from = end;
  }
  text.append(file.text, from);
  if (!text.empty() && text.back() != '\n') text += '\n';
  for (const v1::ExpectedFailure& entry : repair.add) text += EntryText(entry);
  return text;
}

}  // namespace pushpull::conformance
