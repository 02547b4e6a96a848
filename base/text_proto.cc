#include "base/text_proto.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/descriptor.h"
#include "base/regular_file.h"
#include "base/status.h"
#include "google/protobuf/io/tokenizer.h"

namespace pushpull::base {
namespace {

constexpr size_t kMaxErrors = 10;
// Of nested messages; a scenario needs about eight.
constexpr int kMaxDepth = 64;

// Collects "PATH:LINE:COLUMN: what".
class Errors : public google::protobuf::io::ErrorCollector {
 public:
  explicit Errors(const std::string& path) : path_(path) {}

  // `line` and `column` count from 0; -1 where there is no place.
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    ++count_;
    if (lines_.size() >= kMaxErrors) return;
    lines_.push_back(line < 0 ? absl::StrCat(path_, ": ", message)
                              : absl::StrCat(path_, ":", line + 1, ":", column + 1, ": ", message));
  }

  std::string Text() const {
    std::string text = absl::StrJoin(lines_, "\n");
    if (count_ > lines_.size())
      absl::StrAppend(&text, "\n", count_ - lines_.size(), " more errors");
    return text;
  }

 private:
  const std::string& path_;
  std::vector<std::string> lines_;
  size_t count_ = 0;
};

// A block that begins with a brace.
struct Block {
  int line = 0;              // from 1
  size_t indent = 0;         // of that line
  std::string_view heading;  // it, up to the brace, or the end of that
};

// Where a text with a brace too few most likely lacks it: the innermost block within which a line
// stands as far left as the one that begins it; else the innermost that is never closed. The parser
// knows only that the text ended, or that a field isn't one of the block that is still open.
class BraceFinder {
 public:
  std::string Missing(std::string_view text) {
    for (size_t at = 0; at <= text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      TakeLine(text.substr(at, end - at));
      at = end + 1;
    }
    if (open_.empty()) return "";
    const Block& block = suspect_ ? *suspect_ : open_.back();
    return absl::StrCat(block.line, ": the block that begins here, \"", std::string(block.heading),
                        "{\", is never closed: a } is missing",
                        suspect_ ? absl::StrCat(", most likely before line ", suspected_at_) : "");
  }

 private:
  void TakeLine(std::string_view line) {
    ++number_;
    const size_t indent = line.find_first_not_of(" \t");
    if (indent == std::string_view::npos || line[indent] == '#') return;
    const bool closes = line[indent] == '}' || line[indent] == '>' || line[indent] == ']';
    if (!suspect_ && !open_.empty() && !closes && quote_ == 0 && open_.back().line != number_ &&
        indent <= open_.back().indent) {
      suspect_ = open_.back();
      suspected_at_ = number_;
    }
    for (size_t i = indent; i < line.size(); ++i) {
      const char c = line[i];
      if (quote_ != 0) {
        if (c == '\\') ++i;
        if (c == quote_) quote_ = 0;
      } else if (c == '"' || c == '\'') {
        quote_ = c;
      } else if (c == '#') {
        break;
      } else if (c == '{') {
        const size_t length = std::min(i - indent, kMostHeading);
        open_.push_back({number_, indent, line.substr(i - length, length)});
      } else if (c == '}' && !open_.empty()) {
        open_.pop_back();
      }
    }
    quote_ = 0;  // strings end with their line
  }

  static constexpr size_t kMostHeading = 60;

  std::vector<Block> open_;
  std::optional<Block> suspect_;
  int suspected_at_ = 0;
  int number_ = 0;
  char quote_ = 0;
};

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t limit) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return FileError(path, errno);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return FileError(path, errno);
  PUSHPULL_RETURN_IF_ERROR(CheckRegularMode(path, info.st_mode));

  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(path, errno);
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > limit) {
      return absl::ResourceExhaustedError(absl::StrCat(path, ": has more than ", limit,
                                                       " bytes; no file of this kind is so large"));
    }
  }
}

absl::Status ParseTextProto(std::string_view text, const std::string& path,
                            google::protobuf::Message* message,
                            google::protobuf::TextFormat::ParseInfoTree* where) {
  message->Clear();
  if (text.size() > kMaxTextProtoBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": has more than ", kMaxTextProtoBytes, " bytes"));
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is binary (a zero byte at offset ", nul, "); text format is due"));
  }
  Errors errors(path);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxDepth);
  if (where != nullptr) parser.WriteLocationsTo(where);
  if (!parser.ParseFromString(std::string(text), message)) {
    const std::string missing = BraceFinder().Missing(text);
    if (missing.empty()) return absl::InvalidArgumentError(errors.Text());
    return absl::InvalidArgumentError(absl::StrCat(path, ":", missing, "\n", errors.Text()));
  }
  // The parser takes any bytes for a string; other forms of the message can't hold them.
  const std::unique_ptr<google::protobuf::Message> again(message->New());
  if (!again->ParsePartialFromString(message->SerializePartialAsString())) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a string in it isn't UTF-8; only fields of bytes take any bytes"));
  }
  return absl::OkStatus();
}

absl::Status LoadTextProtoInto(const std::string& path, google::protobuf::Message* message) {
  PUSHPULL_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  return ParseTextProto(text, path, message);
}

}  // namespace pushpull::base
