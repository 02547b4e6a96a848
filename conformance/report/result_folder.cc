#include "conformance/report/result_folder.h"

#include <google/protobuf/util/json_util.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "conformance/report/junit.h"

namespace pushpull::conformance {

namespace fs = std::filesystem;

absl::StatusOr<ResultFolder> ResultFolder::Create(std::string path) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_directory(path, error)) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't make the result folder ", path,
                     ": there is a file of that name; choose another ", "with --out"));
  }
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path, error)) {
    return absl::FailedPreconditionError(absl::StrCat("can't make the result folder ", path, ": ",
                                                      error ? error.message() : "it is not there",
                                                      "; choose another with --out"));
  }
  return ResultFolder(std::move(path));
}

std::string ResultFolder::CasePath(std::string_view case_id, std::string_view file) const {
  std::string folder(case_id);
  for (char& c : folder) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '_' || c == '-' || c == '.';
    if (!plain) c = '.';
  }
  return absl::StrCat("cases/", folder, "/", base::ToAbsl(file));
}

absl::Status ResultFolder::Write(std::string_view relative_path, std::string_view contents) const {
  const fs::path path = fs::path(path_) / relative_path;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const fs::path unfinished = path.string() + ".part";
  errno = 0;
  std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  file.close();
  if (!file) {
    return absl::FailedPreconditionError(absl::StrCat(
        "can't write ", path.string(), ": ", errno != 0 ? std::strerror(errno) : "it failed",
        "; see that the disk isn't full and the folder may be written, or choose another (--out)"));
  }
  fs::rename(unfinished, path, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't write ", path.string(), ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ToJson(const v1::RunResult& run) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(run, &json, options);
  if (!status.ok()) {
    return absl::InternalError(absl::StrCat("result.json: ", std::string(status.message())));
  }
  return json;
}

absl::Status ResultFolder::WriteRun(const v1::RunResult& run, bool strict) const {
  absl::StatusOr<std::string> json = ToJson(run);
  if (!json.ok()) return json.status();
  if (absl::Status status = Write("result.json", *json); !status.ok()) return status;
  return Write("junit.xml", ToJunit(run, strict));
}

}  // namespace pushpull::conformance
