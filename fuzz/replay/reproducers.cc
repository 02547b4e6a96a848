#include "fuzz/replay/reproducers.h"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/text_format.h"

namespace pushpull::replay {
namespace {

// The last two parts of a path, in letters that each file system has.
std::string FileName(const std::string& trace) {
  std::vector<std::string> parts = absl::StrSplit(absl::StripSuffix(trace, ".textproto"), '/');
  std::string name = parts.back();
  if (parts.size() > 1 && !parts[parts.size() - 2].empty()) {
    name = absl::StrCat(parts[parts.size() - 2], "_", name);
  }
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-') c = '_';
  }
  return name;
}

}  // namespace

absl::StatusOr<Reproducers> Reproducers::Create(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("--out ", folder, ": can't make the folder: ", error.message()));
  }
  return Reproducers(folder);
}

std::string ReproducerText(const Finding& finding) {
  std::string text;
  for (const absl::string_view line : absl::StrSplit(absl::StripSuffix(finding.text, "\n"), '\n')) {
    absl::StrAppend(&text, line.empty() ? "#" : "# ", line, "\n");
  }
  std::string scenario;
  google::protobuf::TextFormat::PrintToString(finding.scenario, &scenario);
  return text + scenario;
}

absl::StatusOr<std::string> Reproducers::Write(const std::string& trace, const Finding& finding) {
  const std::string base = FileName(trace);
  std::string name = base;
  for (int i = 2; !names_.insert(name).second; ++i) name = absl::StrCat(base, "-", i);
  const std::string path = absl::StrCat(folder_, "/", name, ".textproto");
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << ReproducerText(finding);
  file.close();
  if (!file) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": can't be written; is the disk full, or the folder read-only?"));
  }
  return path;
}

}  // namespace pushpull::replay
