// Messages written by people: text format from files, with errors that say where.

#ifndef BASE_TEXT_PROTO_H_
#define BASE_TEXT_PROTO_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace pushpull::base {

inline constexpr size_t kMaxTextProtoBytes = size_t{16} << 20;

// The file's bytes. NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (above `limit`) or
// INVALID_ARGUMENT (a folder, a device) with `path` in the message.
absl::StatusOr<std::string> ReadTextFile(const std::string& path,
                                         size_t limit = kMaxTextProtoBytes);

// Replaces `message`. INVALID_ARGUMENT: one line for each error (the first ten),
// "PATH:LINE:COLUMN: what". `where`, unless null, then knows the place of each field.
absl::Status ParseTextProto(std::string_view text, const std::string& path,
                            google::protobuf::Message* message,
                            google::protobuf::TextFormat::ParseInfoTree* where = nullptr);

// ReadTextFile, then ParseTextProto.
absl::Status LoadTextProtoInto(const std::string& path, google::protobuf::Message* message);

template <typename T>
absl::StatusOr<T> LoadTextProto(const std::string& path) {
  T message;
  if (absl::Status status = LoadTextProtoInto(path, &message); !status.ok()) return status;
  return message;
}

}  // namespace pushpull::base

#endif  // BASE_TEXT_PROTO_H_
