// A log with levels. Who makes a Logger says where its lines go and passes the time; nothing here
// reads a clock or knows of standard error. Copies share their lines' limits.
//
//   base::Logger log(base::LogLevel::kInfo, [](const base::LogLine& line) { ... });
//   if (log.Logs(base::LogLevel::kInfo)) {
//     log.Write(base::LogLevel::kInfo, loop->Now(), "login", base::LogFields().Add("tsih", 7));
//   }
//
// What a peer sends may make a line, so each kind of line is bounded: 20 at once, then 5 a second.
// What is left out is counted, and told by the next one of its kind.

#ifndef BASE_LOG_H_
#define BASE_LOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"

namespace pushpull::base {

enum class LogLevel : uint8_t { kError, kWarning, kInfo, kDebug };

// "error", "warning", "info", "debug".
std::string_view LogLevelName(LogLevel level);
std::optional<LogLevel> ParseLogLevel(std::string_view name);

// "key=value key="a text"". Texts may come from a hostile peer: they are quoted, what isn't
// printable ASCII or a "§" is escaped, and what is longer than 256 bytes is cut.
class LogFields {
 public:
  LogFields& Add(std::string_view key, std::string_view text);
  LogFields& Add(std::string_view key, const char* text) {
    return Add(key, std::string_view(text));
  }
  LogFields& Add(std::string_view key, int64_t number);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct LogLine {
  LogLevel level = LogLevel::kInfo;
  absl::Time time;         // as it was passed in
  std::string_view event;  // what happened, in one word: a string literal
  std::string text;        // printable
};

// "2026-11-23T06:55:01.123Z warning login_failed status=0x0201 ...", without a line's end.
std::string ToString(const LogLine& line);

class Logger {
 public:
  // Called by several threads, one at a time.
  using Sink = std::function<void(const LogLine&)>;

  // Logs nothing.
  Logger() = default;
  Logger(LogLevel level, Sink sink);

  bool Logs(LogLevel level) const { return shared_ != nullptr && level <= level_; }
  // Does nothing where Logs() is false. `event`: a string literal.
  void Write(LogLevel level, absl::Time now, std::string_view event, const LogFields& fields) const;

 private:
  // How many lines of one kind may still be written.
  struct Bucket {
    double lines = 0;
    absl::Time filled;
    uint64_t left_out = 0;
  };
  struct Shared {
    std::mutex mutex;
    Sink sink;
    std::map<std::string_view, Bucket> buckets;  // by event
  };

  LogLevel level_ = LogLevel::kError;
  std::shared_ptr<Shared> shared_;
};

}  // namespace pushpull::base

#endif  // BASE_LOG_H_
