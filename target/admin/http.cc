#include "target/admin/http.h"

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "base/utf8.h"

namespace pushpull::target {
namespace {

constexpr std::string_view kVersion = " HTTP/1.";

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                        HexDigit(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void TakeParameters(std::string_view text, std::map<std::string, std::string>& parameters) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const size_t equals = pair.find('=');
    if (pair.empty()) continue;
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    parameters[Decoded(pair.substr(0, equals))] = Decoded(value);
  }
}

HttpParsed Refused(int status, std::string_view why) {
  return {std::nullopt, HttpError(status, why)};
}

// The bytes of a body that the head announces; nothing where it can't be read.
std::optional<uint64_t> BodyBytes(std::string_view head) {
  uint64_t bytes = 0;
  while (!head.empty()) {
    std::string_view line = head.substr(0, head.find('\n'));
    head.remove_prefix(std::min(line.size() + 1, head.size()));
    constexpr std::string_view kName = "content-length:";
    if (line.size() < kName.size() ||
        !absl::EqualsIgnoreCase(base::ToAbsl(line.substr(0, kName.size())), base::ToAbsl(kName))) {
      continue;
    }
    const auto value = absl::StripAsciiWhitespace(base::ToAbsl(line.substr(kName.size())));
    if (!absl::SimpleAtoi(value, &bytes)) return std::nullopt;
  }
  return bytes;
}

void AppendEscaped(std::string& out, uint8_t character) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u00";
  out += kHex[character >> 4];
  out += kHex[character & 15];
}

}  // namespace

HttpParsed ParseHttp(std::string_view bytes) {
  size_t end = bytes.find("\r\n\r\n");
  size_t body = end == std::string_view::npos ? end : end + 4;
  if (const size_t bare = bytes.find("\n\n"); bare < end) {
    end = bare;
    body = bare + 2;
  }
  if (end == std::string_view::npos) {
    if (bytes.size() <= kMaxHttpHead) return {};
    return Refused(413, "the request's head is longer than 8192 bytes");
  }
  if (end > kMaxHttpHead) return Refused(413, "the request's head is longer than 8192 bytes");
  const std::string_view head = bytes.substr(0, end);
  std::string_view line = head.substr(0, head.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t space = line.find(' ');
  const size_t version = line.rfind(kVersion);
  if (space == 0 || space == std::string_view::npos || version == std::string_view::npos ||
      version < space + 2 || line[space + 1] != '/') {
    return Refused(400, "this is no request of HTTP/1.0; right is: GET /counters HTTP/1.0");
  }
  const std::optional<uint64_t> announced = BodyBytes(head);
  if (!announced.has_value()) return Refused(400, "Content-Length is no number");
  if (*announced > kMaxHttpBody)
    return Refused(413, "the request's body is longer than 4096 bytes");
  if (bytes.size() - body < *announced) return {};
  HttpRequest request;
  request.method = std::string(line.substr(0, space));
  std::string_view target = line.substr(space + 1, version - space - 1);
  const size_t query = target.find('?');
  request.path = Decoded(target.substr(0, query));
  if (query != std::string_view::npos) {
    TakeParameters(target.substr(query + 1), request.parameters);
  }
  TakeParameters(bytes.substr(body, *announced), request.parameters);
  return {std::move(request), std::nullopt};
}

std::string EncodeHttp(const HttpAnswer& answer, bool with_body) {
  std::string text = absl::StrCat("HTTP/1.0 ", answer.status, " ");
  text.append(Reason(answer.status)).append("\r\nContent-Type: ").append(answer.type);
  absl::StrAppend(&text, "\r\nContent-Length: ", answer.body.size(),
                  "\r\nConnection: close\r\n\r\n");
  if (with_body) text += answer.body;
  return text;
}

HttpAnswer HttpError(int status, std::string_view why) {
  return {.status = status, .body = absl::StrCat("{\"error\": ", JsonQuoted(why), "}\n")};
}

std::string JsonQuoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto byte = static_cast<uint8_t>(text[0]);
    size_t size = 1;
    if (byte >= 0x80) {
      size = base::Utf8SequenceLength(text);
      if (size == 0) {
        out += "\\ufffd";
        size = 1;
      } else if (byte == 0xc2 && static_cast<uint8_t>(text[1]) < 0xa0) {
        // C1 controls: a terminal may take them for the begin of a sequence.
        AppendEscaped(out, static_cast<uint8_t>(text[1]));
      } else {
        out.append(text.substr(0, size));
      }
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += static_cast<char>(byte);
    } else if (byte < 0x20 || byte == 0x7f) {
      AppendEscaped(out, byte);
    } else {
      out += static_cast<char>(byte);
    }
    text.remove_prefix(size);
  }
  return out + '"';
}

}  // namespace pushpull::target
