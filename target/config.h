// The target's configuration (`pushpull target`): from a file and a command line to options.
//
//   LoadedConfig config;
//   config.Load("target.textproto");   // where there is a file
//   config.Override(flags);            // what the command line says over it
//   auto options = OptionsFromConfig(config);
//
// Errors name the field and quote its value; where the value stands in the file they begin with
// "PATH:LINE:COLUMN: ", and an option of the command line is called by its own name.

#ifndef TARGET_CONFIG_H_
#define TARGET_CONFIG_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "fabric/stream.h"
#include "google/protobuf/text_format.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/target.h"

namespace pushpull::target {

inline constexpr uint32_t kMaxThreads = 1024;

// An address of `listen`.
struct Listening {
  bool iser = false;  // over RDMA
  fabric::Address address;
  friend bool operator==(const Listening&, const Listening&) = default;
};

// "tcp://HOST[:PORT]" or "iser://HOST[:PORT]", an IPv6 host in brackets. Without a port: 3260
// (RFC 7143 §15; what targets listen on for iSER, too). "tcp://" and "tcp://:3260" mean all
// addresses.
absl::StatusOr<Listening> ParseListenUri(std::string_view uri);

// A configuration that knows where its fields were written.
class LoadedConfig {
 public:
  LoadedConfig() = default;
  explicit LoadedConfig(v1::TargetConfig config) : config_(std::move(config)) {}

  // Text form; fields that there are not are errors.
  absl::Status Load(const std::string& path);

  // What `over` says wins: `listen` and `lun` replace all that there were, each `bug` is one more,
  // the fields of `limits` and every other field count one by one. `names`: what who says it calls
  // the fields ("--plain-text"), which errors then call them, too.
  void Override(const v1::TargetConfig& over, const std::map<std::string, std::string>& names = {});

  const v1::TargetConfig& config() const { return config_; }

  // "PATH:LINE:COLUMN: " of a field, or of one `inner` field of it (the first, where it is
  // repeated), that the file has; else "".
  // `index`: which of a repeated field.
  std::string Place(const std::string& field, int index = -1, const std::string& inner = "") const;

  // What a field is called where it was said, or where the field `beside` it was.
  std::string NameOf(const std::string& field, const std::string& beside = "") const;

  // `status` with its place in front.
  absl::Status At(const absl::Status& status, const std::string& field, int index = -1,
                  const std::string& inner = "") const;

 private:
  v1::TargetConfig config_;
  std::string path_;
  google::protobuf::TextFormat::ParseInfoTree places_;
  std::set<std::string> replaced_;            // what no longer is as the file has it
  std::set<std::string> named_;               // what was said by who has names of their own
  std::map<std::string, std::string> names_;  // those
};

// Defaults where the configuration is silent. Opens the logical units' stores. INVALID_ARGUMENT: a
// line for each thing that is wrong.
absl::StatusOr<TargetOptions> OptionsFromConfig(const LoadedConfig& config);

// What is about the process that serves, not about the target.
struct OperationOptions {
  std::string admin_socket;  // "": there is none
  absl::Duration stop_timeout = absl::Seconds(10);
  base::LogLevel log_level = base::LogLevel::kWarning;
};
absl::StatusOr<OperationOptions> OperationFromConfig(const LoadedConfig& config);

// Those of `listen`, in order.
absl::StatusOr<std::vector<Listening>> ListenAddresses(const LoadedConfig& config);

}  // namespace pushpull::target

#endif  // TARGET_CONFIG_H_
