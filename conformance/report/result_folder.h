// A result folder: result.json, junit.xml, and for each case what it takes to look into it.

#ifndef CONFORMANCE_REPORT_RESULT_FOLDER_H_
#define CONFORMANCE_REPORT_RESULT_FOLDER_H_

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/descriptor.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

class ResultFolder {
 public:
  // Makes the folder (and those above it). Of an earlier run, which its result.json shows, what it
  // wrote is removed first, so that no case's files pass for those of another run. Whatever else is
  // there stays. FAILED_PRECONDITION: another run writes there now (it is kept to one for as long
  // as this and its copies are there), or a result.json is there that no run wrote.
  static absl::StatusOr<ResultFolder> Create(std::string path);

  // A path below the folder for a file of a case ("login/isid_kept#row" becomes a folder name that
  // every file system takes).
  std::string CasePath(std::string_view case_id, std::string_view file) const;

  // Writes whole files: by another name first, then renamed, so that a reader never sees half.
  absl::Status Write(std::string_view relative_path, std::string_view contents) const;

  // result.json and junit.xml.
  absl::Status WriteRun(const v1::RunResult& run, bool strict) const;

  const std::string& path() const { return path_; }

 private:
  explicit ResultFolder(std::string path) : path_(std::move(path)) {}
  absl::Status Lock();
  absl::Status ClearEarlierRun() const;
  std::string path_;
  std::shared_ptr<base::Descriptor> lock_;
};

// result.json, wire.json: snake_case names, defaults left out.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_RESULT_FOLDER_H_
