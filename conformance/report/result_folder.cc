#include "conformance/report/result_folder.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "conformance/report/junit.h"

namespace pushpull::conformance {

namespace fs = std::filesystem;

namespace {

// Files of a case that a run writes (play_case.h, target_commands.h, run_initiator.h).
bool IsOurs(std::string_view name) {
  for (const std::string_view known :
       {"wire.txt", "wire.json", "wire.pcapng", "scenario.textproto", "before.txt", "after.txt",
        "restart.txt", "put_back.txt", "link.txt", "link_reset.txt", "initiator.txt"}) {
    if (name == known) return true;
  }
  const bool counted = name.starts_with("hook_") || name.starts_with("disturbed_");
  return (counted && name.ends_with(".txt")) || name.ends_with(".part");
}

// Whether a run wrote it, of this version or another: all else isn't ours to write over.
bool IsOfARun(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  v1::RunResult run;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &run, options);
  return status.ok() && run.schema_version() != 0;
}

}  // namespace

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
  ResultFolder folder(std::move(path));
  PUSHPULL_RETURN_IF_ERROR(folder.Lock());
  PUSHPULL_RETURN_IF_ERROR(folder.ClearEarlierRun());
  return folder;
}

absl::Status ResultFolder::Lock() {
  lock_ =
      std::make_shared<base::Descriptor>(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock_->get() < 0) {
    return absl::FailedPreconditionError(absl::StrCat("can't read the result folder ", path_, ": ",
                                                      std::strerror(errno), "; choose another"));
  }
  // Where the file system knows no locks, there is none.
  if (flock(lock_->get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("another run writes into ", path_,
                   ": wait for its end, or choose another folder with --out"));
}

absl::Status ResultFolder::ClearEarlierRun() const {
  std::error_code error;
  const fs::path result = fs::path(path_) / "result.json";
  if (!fs::is_regular_file(result, error)) return absl::OkStatus();
  if (!IsOfARun(result)) {
    return absl::FailedPreconditionError(
        absl::StrCat(result.string(),
                     " is there, and no run of this program wrote it: choose another folder with "
                     "--out, or move it away"));
  }
  std::vector<fs::path> ours = {fs::path(path_) / "report.txt", fs::path(path_) / "report.html"};
  std::vector<fs::path> folders;
  const fs::path cases = fs::path(path_) / "cases";
  // Links aren't followed: what they lead to is somebody else's.
  if (fs::is_directory(fs::symlink_status(cases, error))) {
    folders.push_back(cases);
    for (fs::recursive_directory_iterator it(cases, error), end; !error && it != end;
         it.increment(error)) {
      const fs::file_status status = it->symlink_status(error);
      if (fs::is_directory(status)) folders.push_back(it->path());
      if (fs::is_regular_file(status) && IsOurs(it->path().filename().string())) {
        ours.push_back(it->path());
      }
    }
  }
  for (const fs::path& file : ours) {
    if (fs::remove(file, error); error) {
      return absl::FailedPreconditionError(absl::StrCat("can't remove ", file.string(),
                                                        " of an earlier run: ", error.message(),
                                                        "; choose another folder with --out"));
    }
  }
  // Those below come later; with something else in it, a folder stays.
  for (auto it = folders.rbegin(); it != folders.rend(); ++it) fs::remove(*it, error);
  return absl::OkStatus();
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
    const int why = errno;
    fs::remove(unfinished, error);
    return absl::FailedPreconditionError(absl::StrCat(
        "can't write ", path.string(), ": ", why != 0 ? std::strerror(why) : "it failed",
        "; see that the disk isn't full and the folder may be written, or choose another (--out)"));
  }
  fs::rename(unfinished, path, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't write ", path.string(), ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return absl::InternalError(
        absl::StrCat(message.GetTypeName(), " as JSON: ", std::string(status.message())));
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
