// A vendor profile as a file: read and checked, and rewritten as a run shows it should be.

#ifndef CONFORMANCE_RUNNER_PROFILE_H_
#define CONFORMANCE_RUNNER_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/scenario/scenario_file.h"
#include "pushpull/v1/profile.pb.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// The names that scenarios know and a profile may use.
struct ProfileVocabulary {
  std::map<std::string, std::set<std::string>> readings =
      {};  // by ambiguity: those to choose among
  std::set<std::string> capabilities = {};
  std::set<std::string> hooks = {};

  void Add(const std::vector<ScenarioFile>& files);
};

struct ProfileFile {
  std::string path;
  std::string text;
  v1::Profile profile;

  struct Place {
    uint32_t line = 0;          // from 1
    size_t begin = 0, end = 0;  // of its text
  };
  std::vector<Place> expect;  // of each entry

  std::vector<uint32_t> Lines() const;
};

// INVALID_ARGUMENT: one line for each fault, "PATH:LINE: what". Refused are: entries without id or
// reason, two of one id, verdicts that can't be expected, dates that are none, readings of unknown
// ambiguities, capabilities that no scenario needs, hooks without name or command or twice or that
// no scenario triggers, rules
// that the monitor doesn't have, or without reason, or twice.
absl::StatusOr<ProfileFile> ParseProfile(std::string text, const std::string& path,
                                         const ProfileVocabulary& vocabulary);
absl::StatusOr<ProfileFile> LoadProfile(const std::string& path,
                                        const ProfileVocabulary& vocabulary);

// Whether a profile may expect it: everything that is not plainly a pass, and not our own error.
bool MayBeExpected(v1::Verdict verdict);

// What --fix-profile changes.
struct ProfileRepair {
  std::set<size_t> drop = {};  // by number
  std::vector<v1::ExpectedFailure> add = {};
  // Ids, and rules, whose date is past: they stay, as somebody has to look at them.
  std::vector<std::string> expired = {};
};

// In double quotes, with no more backslashes than a text proto needs.
std::string QuotedText(const std::string& text);

// The file's text without the entries that are dropped (and the comments right above them) and with
// those that are added at its end. All else stays as it was written.
std::string Repaired(const ProfileFile& file, const ProfileRepair& repair);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_PROFILE_H_
