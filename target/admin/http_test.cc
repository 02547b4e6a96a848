#include "target/admin/http.h"

#include <map>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

TEST(HttpTest, ARequestIsWholeAtItsEmptyLine) {
  const std::string whole = "GET /sessions?tsih=7&x=%2fa+b HTTP/1.0\r\nHost: localhost\r\n\r\n";
  for (size_t size = 0; size < whole.size(); ++size) {
    const HttpParsed parsed = ParseHttp(whole.substr(0, size));
    EXPECT_FALSE(parsed.request.has_value() || parsed.refusal.has_value()) << size;
  }
  const HttpParsed parsed = ParseHttp(whole + "more");
  ASSERT_TRUE(parsed.request.has_value());
  EXPECT_EQ(parsed.request->method, "GET");
  EXPECT_EQ(parsed.request->path, "/sessions");
  EXPECT_EQ(parsed.request->parameters.at("tsih"), "7");
  EXPECT_EQ(parsed.request->parameters.at("x"), "/a b");
}

TEST(HttpTest, AFormStandsInTheBody) {
  const std::string head = "POST /logout?tsih=1 HTTP/1.1\ncontent-length:  10\n\n";
  EXPECT_FALSE(ParseHttp(head + "within_s=").request.has_value());
  const HttpParsed parsed = ParseHttp(head + "within_s=5");
  ASSERT_TRUE(parsed.request.has_value());
  EXPECT_EQ(parsed.request->parameters.at("within_s"), "5");
  EXPECT_EQ(parsed.request->parameters.at("tsih"), "1");
}

TEST(HttpTest, WhatIsNoRequestIsRefused) {
  const std::string bytes[] = {
      "hello\r\n\r\n",
      "GET\r\n\r\n",
      "GET sessions HTTP/1.0\r\n\r\n",
      "GET  HTTP/1.0\r\n\r\n",
      " /sessions HTTP/1.0\r\n\r\n",
      "\n\n",
      "POST / HTTP/1.0\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.0\r\nContent-Length: 4097\r\n\r\n",
      std::string(kMaxHttpHead + 1, 'a'),
      "GET / HTTP/1.0\r\n" + std::string(kMaxHttpHead, 'a') + "\r\n\r\n",
  };
  for (const std::string& each : bytes) {
    const HttpParsed parsed = ParseHttp(each);
    EXPECT_FALSE(parsed.request.has_value()) << each;
    EXPECT_TRUE(parsed.refusal.has_value()) << each;
  }
}

TEST(HttpTest, EachRefusalSaysWhy) {
  const std::string post = "POST / HTTP/1.0\r\nContent-Length: ";
  const struct {
    std::string bytes;
    int status;
    const char* why;
  } kCases[] = {
      {"GET sessions HTTP/1.0\r\n\r\n", 400, "GET /counters HTTP/1.0"},
      {"GET / HTTP/2.0\r\n\r\n", 400, "GET /counters HTTP/1.0"},
      {post + "ten\r\n\r\n", 400, "Content-Length is no number"},
      {post + "\r\n\r\n", 400, "Content-Length is no number"},
      {post + "4097\r\n\r\n", 413, "4096"},
      {std::string(kMaxHttpHead + 1, 'a'), 413, "8192"},
      {"GET / HTTP/1.0\r\n" + std::string(kMaxHttpHead - 15, 'a') + "\r\n\r\n", 413, "8192"},
  };
  for (const auto& c : kCases) {
    const HttpParsed parsed = ParseHttp(c.bytes);
    ASSERT_TRUE(parsed.refusal.has_value()) << c.bytes;
    EXPECT_EQ(parsed.refusal->status, c.status) << c.bytes;
    EXPECT_NE(parsed.refusal->body.find(c.why), std::string::npos) << parsed.refusal->body;
  }
}

TEST(HttpTest, WhatIsJustShortEnoughIsTaken) {
  const std::string head = "GET / HTTP/1.0\r\n" + std::string(kMaxHttpHead - 16, 'a');
  ASSERT_EQ(head.size(), kMaxHttpHead);
  const HttpParsed begun = ParseHttp(head);
  EXPECT_FALSE(begun.request.has_value() || begun.refusal.has_value());
  EXPECT_TRUE(ParseHttp(head + "\r\n\r\n").request.has_value());
  const std::string post = "POST / HTTP/1.0\r\nX: y\r\nCONTENT-LENGTH:4096\r\n\r\na=";
  EXPECT_FALSE(ParseHttp(post + std::string(4093, 'b')).request.has_value());
  const HttpParsed whole = ParseHttp(post + std::string(4094, 'b') + "not of it");
  ASSERT_TRUE(whole.request.has_value());
  EXPECT_EQ(whole.request->parameters.at("a"), std::string(4094, 'b'));
}

TEST(HttpTest, PathsAndParametersAreDecoded) {
  const struct {
    const char* target;
    const char* path;
    std::map<std::string, std::string> parameters;
  } kCases[] = {
      {"/", "/", {}},
      {"/a%2Fb%2fc", "/a/b/c", {}},
      {"/%41%5a%9", "/AZ%9", {}},
      {"/%4", "/%4", {}},
      {"/%", "/%", {}},
      {"/%g0%0g%:0%/0%@0%G0%`0", "/%g0%0g%:0%/0%@0%G0%`0", {}},
      {"/%Aa", "/\xaa", {}},
      {"/%fF", "/\xff", {}},
      {"/a+b", "/a b", {}},
      {"/?", "/", {}},
      {"/?a", "/", {{"a", ""}}},
      {"/?a=", "/", {{"a", ""}}},
      {"/?&a=1&&b=2&", "/", {{"a", "1"}, {"b", "2"}}},
      {"/?a=1&a=2", "/", {{"a", "2"}}},
      {"/?a=b=c?d", "/", {{"a", "b=c?d"}}},
      {"/?%61%3d=%26", "/", {{"a=", "&"}}},
      {"/x HTTP/1.1 y", "/x HTTP/1.1 y", {}},
  };
  for (const auto& c : kCases) {
    const HttpParsed parsed = ParseHttp("GET " + std::string(c.target) + " HTTP/1.0\r\n\r\n");
    ASSERT_TRUE(parsed.request.has_value()) << c.target;
    EXPECT_EQ(parsed.request->path, c.path);
    EXPECT_EQ(parsed.request->parameters, c.parameters) << c.target;
  }
}

TEST(HttpTest, EachStatusHasItsReason) {
  const std::pair<int, const char*> kCases[] = {{200, "OK"},
                                                {400, "Bad Request"},
                                                {404, "Not Found"},
                                                {405, "Method Not Allowed"},
                                                {409, "Conflict"},
                                                {413, "Content Too Large"},
                                                {503, "Service Unavailable"},
                                                {999, "Error"}};
  for (const auto& [status, reason] : kCases) {
    EXPECT_TRUE(EncodeHttp(HttpError(status, "no"), true)
                    .starts_with("HTTP/1.0 " + std::to_string(status) + " " + reason + "\r\n"));
  }
  EXPECT_EQ(HttpError(404, "no \"x\"").body, "{\"error\": \"no \\\"x\\\"\"}\n");
}

TEST(HttpTest, AnAnswerSaysItsLength) {
  EXPECT_EQ(EncodeHttp({.body = "{}"}, true),
            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "Connection: close\r\n\r\n{}");
  EXPECT_TRUE(EncodeHttp(HttpError(404, "no"), false).ends_with("\r\n\r\n"));
}

TEST(HttpTest, JsonHoldsWhateverAPeerCallsItself) {
  EXPECT_EQ(JsonQuoted("iqn.x"), "\"iqn.x\"");
  EXPECT_EQ(JsonQuoted(std::string("\"\\\n\0\x7f", 5)), "\"\\\"\\\\\\u000a\\u0000\\u007f\"");
  EXPECT_EQ(JsonQuoted("\xc3\xa4\xe2\x82\xac"), "\"\xc3\xa4\xe2\x82\xac\"");
  EXPECT_EQ(JsonQuoted("\xc3(\xff\xe2\x82"), "\"\\ufffd(\\ufffd\\ufffd\\ufffd\"");
  // Overlong, surrogates, above U+10FFFF (RFC 3629 §3).
  EXPECT_EQ(JsonQuoted("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(JsonQuoted("\xe0\x80\xaf"), "\"\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(JsonQuoted("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(JsonQuoted("\xf0\x8f\xbf\xbf"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(JsonQuoted("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(JsonQuoted("\xf4\x8f\xbf\xbf\xed\x9f\xbf"), "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"");
  // The first and the last of each length, and the next to them.
  for (const char* whole :
       {"\x7e", "\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80"}) {
    EXPECT_EQ(JsonQuoted(whole), '"' + std::string(whole) + '"');
  }
  for (const char* cut : {"\xc1", "\xc2", "\xdf", "\xe0\xa0", "\xef\xbf", "\xf0\x90\x80", "\xf5"}) {
    EXPECT_TRUE(JsonQuoted(cut).starts_with("\"\\ufffd")) << JsonQuoted(cut);
  }
  for (const char* odd : {"\xc3\x7f", "\xc3\xc0", "\xe1\x80\x7f", "\xe1\x80\xc0",
                          "\xf1\x80\x80\x41", "\xf5\x80\x80\x80"}) {
    EXPECT_TRUE(JsonQuoted(odd).starts_with("\"\\ufffd")) << JsonQuoted(odd);
  }
  EXPECT_EQ(JsonQuoted("\x1f\x20"), "\"\\u001f \"");
  // C1 controls.
  EXPECT_EQ(JsonQuoted("\xc2\x9b"
                       "31m\xc2\x80\xc2\xa0"),
            "\"\\u009b31m\\u0080\xc2\xa0\"");
}

}  // namespace
}  // namespace pushpull::target
