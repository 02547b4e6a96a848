#include "base/hex.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pushpull::base {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr size_t kBytesPerLine = 16;

void AppendByte(uint8_t byte, std::string& out) {
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

void AppendOffset(uint64_t offset, std::string& out) {
  const int digits = offset >> 32 == 0 ? 8 : 16;
  for (int i = digits - 1; i >= 0; --i) out += kDigits[(offset >> (4 * i)) & 15];
}

void AppendLine(uint64_t offset, Bytes line, std::string& out) {
  AppendOffset(offset, out);
  for (size_t i = 0; i < kBytesPerLine; ++i) {
    out += i % 8 == 0 ? "  " : " ";
    if (i < line.size()) {
      AppendByte(line[i], out);
    } else {
      out += "  ";
    }
  }
  out += "  |";
  for (const uint8_t byte : line) {
    out += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
  }
  out += "|\n";
}

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

std::string Hex(Bytes bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) AppendByte(byte, out);
  return out;
}

std::optional<std::vector<uint8_t>> ParseHex(std::string_view text) {
  std::vector<uint8_t> bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsSpace(text[i])) continue;
    const int high = DigitValue(text[i]);
    const int low = ++i < text.size() ? DigitValue(text[i]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return bytes;
}

std::string HexDump(Bytes bytes, const HexDumpOptions& options) {
  std::string out;
  const Bytes shown = bytes.first(std::min(bytes.size(), options.max_bytes));
  for (size_t at = 0; at < shown.size(); at += kBytesPerLine) {
    out += options.indent;
    AppendLine(options.first_offset + at,
               shown.subspan(at, std::min(kBytesPerLine, shown.size() - at)), out);
  }
  if (shown.size() < bytes.size()) {
    out += options.indent;
    out += "... " + std::to_string(bytes.size() - shown.size()) + " more bytes\n";
  }
  return out;
}

}  // namespace pushpull::base
