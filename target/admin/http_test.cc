#include "target/admin/http.h"

#include <string>

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
  // C1 controls.
  EXPECT_EQ(JsonQuoted("\xc2\x9b"
                       "31m\xc2\x80\xc2\xa0"),
            "\"\\u009b31m\\u0080\xc2\xa0\"");
}

}  // namespace
}  // namespace pushpull::target
