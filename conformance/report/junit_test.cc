// The whole document: CI systems read each attribute of it.

#include "conformance/report/junit.h"

#include <google/protobuf/text_format.h>

#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

v1::RunResult WholeRun() {
  v1::RunResult run;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    target: "tcp://h/iqn" seconds: 9.5 started: "2026-01-02T03:04:05Z" profile: "p.textproto"
    result { id: "login/a" area: "login" verdict: PASS seconds: 0.5 cite: "R-1" cite: "R-2" }
    result {
      id: "login/b" area: "login" verdict: FAIL seconds: 0.25 replay: "pushpull run"
      failure {
        message: "m" expected: "x" actual: "y\nz" cite: "R-2" cite: "R-3" file: "b" line: 7
      }
    }
    result { id: "login/c" area: "login" verdict: TIMEOUT failure { message: "late" } }
    result { id: "nop/d" area: "nop" verdict: ERROR failure { message: "ours" } }
    result { id: "nop/e" area: "nop" verdict: FAIL overlay: XFAIL overlay_reason: "known" }
    result { id: "nop/f" area: "nop" verdict: WARN failure { message: "should" } }
    result { id: "nop/g" area: "nop" verdict: SKIP failure { message: "no hook" } }
    result { id: "nop/h" area: "nop" verdict: PASS overlay: XPASS overlay_reason: "old" }
    result { id: "nop/i" area: "nop" verdict: UNSUPPORTED }
    )",
                                                            &run));
  return run;
}

constexpr char kDocument[] =
    R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="pushpull tcp://h/iqn" tests="9" failures="3" errors="1" skipped="3" time="9.500">
  <testsuite name="login" tests="3" failures="2" errors="0" skipped="0")"
    R"( time="0.750" timestamp="2026-01-02T03:04:05Z">
    <testcase name="login/a" classname="login" time="0.500">
      <properties>
        <property name="verdict" value="PASS"/>
        <property name="requirements" value="R-1 R-2"/>
      </properties>
    </testcase>
    <testcase name="login/b" classname="login" time="0.250">
      <properties>
        <property name="verdict" value="FAIL"/>
        <property name="requirements" value="R-2 R-3"/>
      </properties>
      <failure type="FAIL" message="m">m&#10;requirement: R-2, R-3)"
    R"(&#10;expected: x&#10;actual: y&#10;z&#10;b:7&#10;replay: pushpull run&#10;</failure>
    </testcase>
    <testcase name="login/c" classname="login" time="0.000">
      <properties>
        <property name="verdict" value="TIMEOUT"/>
        <property name="requirements" value=""/>
      </properties>
      <failure type="TIMEOUT" message="late">late&#10;</failure>
    </testcase>
  </testsuite>
  <testsuite name="nop" tests="6" failures="1" errors="1" skipped="3")"
    R"( time="0.000" timestamp="2026-01-02T03:04:05Z">
    <testcase name="nop/d" classname="nop" time="0.000">
      <properties>
        <property name="verdict" value="ERROR"/>
        <property name="requirements" value=""/>
      </properties>
      <error type="ERROR" message="ours">ours&#10;</error>
    </testcase>
    <testcase name="nop/e" classname="nop" time="0.000">
      <properties>
        <property name="verdict" value="XFAIL"/>
        <property name="requirements" value=""/>
      </properties>
      <skipped message="XFAIL:  [known]"/>
    </testcase>
    <testcase name="nop/f" classname="nop" time="0.000">
      <properties>
        <property name="verdict" value="WARN"/>
        <property name="requirements" value=""/>
      </properties>
      <system-out>WARN: should&#10;</system-out>
    </testcase>
    <testcase name="nop/g" classname="nop" time="0.000">
      <properties>
        <property name="verdict" value="SKIP"/>
        <property name="requirements" value=""/>
      </properties>
      <skipped message="SKIP: no hook"/>
    </testcase>
    <testcase name="nop/h" classname="nop" time="0.000">
      <properties>
        <property name="verdict" value="XPASS"/>
        <property name="requirements" value=""/>
      </properties>
      <failure type="XPASS" message=" [old]">&#10;</failure>
    </testcase>
    <testcase name="nop/i" classname="nop" time="0.000">
      <properties>
        <property name="verdict" value="UNSUPPORTED"/>
        <property name="requirements" value=""/>
      </properties>
      <skipped message="UNSUPPORTED: "/>
    </testcase>
  </testsuite>
</testsuites>
)";

TEST(JunitDocumentTest, SaysAllOfARun) { EXPECT_EQ(ToJunit(WholeRun(), false), kDocument); }

TEST(JunitDocumentTest, ARunWithoutCasesIsOneToo) {
  EXPECT_EQ(ToJunit(v1::RunResult(), false),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="pushpull " tests="0" failures="0" errors="0" skipped="0" time="0.000">
</testsuites>
)");
}

TEST(JunitDocumentTest, CountsWhatIsNoCaseWithTheCases) {
  v1::RunResult run = WholeRun();
  run.set_run_error("the target is gone");
  run.add_profile_complaint()->set_id("login/a");
  run.add_profile_complaint()->set_id("login/x");
  const std::string xml = ToJunit(run, false);
  EXPECT_NE(xml.find(R"(tests="12" failures="5" errors="2" skipped="3" time="9.500")"), xml.npos)
      << xml;
  EXPECT_NE(xml.find(R"(<testsuite name="run" tests="1" failures="0" errors="1" skipped="0")"),
            xml.npos)
      << xml;
  EXPECT_NE(xml.find(R"(<testsuite name="profile" tests="2" failures="2" errors="0" skipped="0")"),
            xml.npos)
      << xml;
}

}  // namespace
}  // namespace pushpull::conformance
