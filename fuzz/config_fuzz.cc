// Configuration files of the target, of any text: told what is wrong, or read; and what was read
// and written again is read the same. Nothing outside is opened.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/descriptor.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/config.h"

namespace pushpull::target {
namespace {

constexpr int kMostUnits = 64;

// A file of this text that nobody else sees.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& text) : file_(memfd_create("config", MFD_CLOEXEC)) {
    CHECK_GE(file_.get(), 0);
    CHECK_EQ(pwrite(file_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  std::string path() const { return absl::StrCat("/proc/self/fd/", file_.get()); }

 private:
  const base::Descriptor file_;
};

// Files are for others to fuzz; nor is so much memory to be had.
bool Reaches(const v1::TargetConfig& config) {
  for (const v1::LunConfig& lun : config.lun()) {
    if (lun.spec().find("file") != std::string::npos) return true;
  }
  return !config.state_folder().empty() || config.chap_account_size() > 0 ||
         !config.chap().mutual_secret_file().empty() || config.lun_size() > kMostUnits;
}

void CheckTold(const absl::Status& status) {
  if (!status.ok()) CHECK(!status.message().empty());
}

void Check(const std::string& text) {
  const MemoryFile file(text);
  LoadedConfig loaded;
  const absl::Status status = loaded.Load(file.path());
  CheckTold(status);
  if (!status.ok()) {
    CHECK(absl::StartsWith(status.message(), file.path())) << status;
    return;
  }
  std::string written;
  CHECK(google::protobuf::TextFormat::PrintToString(loaded.config(), &written));
  const MemoryFile second(written);
  LoadedConfig again;
  CHECK(again.Load(second.path()).ok()) << written;
  using google::protobuf::util::MessageDifferencer;
  CHECK(MessageDifferencer::Equals(loaded.config(), again.config()));
  CheckTold(OperationFromConfig(loaded).status());
  CheckTold(ListenAddresses(loaded).status());
  if (Reaches(loaded.config())) return;
  const auto options = OptionsFromConfig(loaded);
  CheckTold(options.status());
  CHECK_EQ(options.ok(), OptionsFromConfig(again).ok());
}

}  // namespace
}  // namespace pushpull::target

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pushpull::target::Check(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
