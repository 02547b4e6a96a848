// As much of HTTP/1.0 (RFC 1945) as an administrator's request needs.

#ifndef TARGET_ADMIN_HTTP_H_
#define TARGET_ADMIN_HTTP_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pushpull::target {

// Of a request: longer ones are refused.
inline constexpr size_t kMaxHttpHead = 8192;
inline constexpr size_t kMaxHttpBody = 4096;

struct HttpRequest {
  std::string method;                             // "GET"
  std::string path;                               // "/logout"
  std::map<std::string, std::string> parameters;  // of the query, and of a form in the body
};

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string_view type = "application/json";
};

// Of what has come so far. Nothing: more is to come. An answer: why the request is refused.
struct HttpParsed {
  std::optional<HttpRequest> request;
  std::optional<HttpAnswer> refusal;
};
HttpParsed ParseHttp(std::string_view bytes);

// The whole of it, for the wire. `with_body`: not in the answer to HEAD.
std::string EncodeHttp(const HttpAnswer& answer, bool with_body);

// An answer that says what is wrong: {"error": "..."}.
HttpAnswer HttpError(int status, std::string_view why);

// As a JSON string, with its quotes. What is no UTF-8 is written as U+FFFD.
std::string JsonQuoted(std::string_view text);

}  // namespace pushpull::target

#endif  // TARGET_ADMIN_HTTP_H_
