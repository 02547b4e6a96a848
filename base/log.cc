#include "base/log.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

namespace pushpull::base {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"error", "warning", "info", "debug"};
constexpr double kLinesAtOnce = 20;
constexpr double kLinesASecond = 5;
constexpr size_t kMostText = 256;
constexpr std::string_view kSection = "§";

void AppendEscaped(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::string_view shown = text.substr(0, kMostText);
  for (size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    const auto byte = static_cast<uint8_t>(c);
    if (shown.substr(i, kSection.size()) == kSection) {
      out += kSection;
      i += kSection.size() - 1;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  if (text.size() > kMostText) out += "...";
}

}  // namespace

std::string_view LogLevelName(LogLevel level) { return kLevels[static_cast<size_t>(level)]; }

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  const auto found = std::find(kLevels.begin(), kLevels.end(), name);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<LogLevel>(found - kLevels.begin());
}

LogFields& LogFields::Add(std::string_view key, std::string_view text) {
  if (!text_.empty()) text_ += ' ';
  text_ += key;
  text_ += "=\"";
  AppendEscaped(text_, text);
  text_ += '"';
  return *this;
}

LogFields& LogFields::Add(std::string_view key, int64_t number) {
  if (!text_.empty()) text_ += ' ';
  text_ += key;
  absl::StrAppend(&text_, "=", number);
  return *this;
}

std::string ToString(const LogLine& line) {
  std::string text = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", line.time, absl::UTCTimeZone());
  text.append(" ").append(LogLevelName(line.level)).append(" ").append(line.event);
  if (!line.text.empty()) text += ' ' + line.text;
  return text;
}

Logger::Logger(LogLevel level, Sink sink) : level_(level), shared_(std::make_shared<Shared>()) {
  shared_->sink = std::move(sink);
}

void Logger::Write(LogLevel level, absl::Time now, std::string_view event,
                   const LogFields& fields) const {
  if (!Logs(level)) return;
  const std::lock_guard lock(shared_->mutex);
  const auto [found, is_new] = shared_->buckets.try_emplace(event);
  Bucket& bucket = found->second;
  const double gained =
      is_new ? kLinesAtOnce : absl::ToDoubleSeconds(now - bucket.filled) * kLinesASecond;
  bucket.lines = std::min(bucket.lines + std::max(gained, 0.0), kLinesAtOnce);
  bucket.filled = now;
  if (bucket.lines < 1) {
    ++bucket.left_out;
    return;
  }
  bucket.lines -= 1;
  LogLine line{.level = level, .time = now, .event = event, .text = fields.text()};
  if (const uint64_t left_out = std::exchange(bucket.left_out, 0); left_out > 0) {
    if (!line.text.empty()) line.text += ' ';
    absl::StrAppend(&line.text, "left_out_before=", left_out);
  }
  shared_->sink(line);
}

}  // namespace pushpull::base
