#include "conformance/report/junit.h"

#include <google/protobuf/repeated_field.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/text.h"
#include "conformance/report/explain.h"
#include "conformance/report/printable.h"
#include "conformance/report/verdict.h"

namespace pushpull::conformance {
namespace {

using base::ToAbsl;

// What the peer sent may hold anything: bytes that XML 1.0 can't carry are shown as \xNN.
std::string Escape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const unsigned char byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        if (const size_t length = LengthOfUtf8(text.substr(i)); length > 0) {
          out += text.substr(i, length);
          i += length - 1;
        } else if (byte < 0x20 || byte >= 0x7f) {
          absl::StrAppendFormat(&out, "\\x%02x", byte);
        } else {
          out += c;
        }
    }
  }
  return out;
}

struct Counts {
  int failures = 0, errors = 0, skipped = 0;
  double seconds = 0;
};

enum class Shape { kPassed, kFailure, kError, kSkipped };

Shape ShapeOf(const v1::CaseResult& result, bool strict) {
  if (WasNotPlayed(result.verdict()) || result.overlay() == v1::XFAIL) {
    return Shape::kSkipped;
  }
  if (IsExpected(result, strict)) return Shape::kPassed;
  return result.verdict() == v1::ERROR ? Shape::kError : Shape::kFailure;
}

std::string FailureText(const v1::CaseResult& result) {
  const v1::Failure& failure = result.failure();
  std::string text = absl::StrCat(failure.message(), "\n");
  if (!failure.cite().empty()) {
    absl::StrAppend(&text, "requirement: ", absl::StrJoin(failure.cite(), ", "), "\n");
  }
  if (!failure.expected().empty()) absl::StrAppend(&text, "expected: ", failure.expected(), "\n");
  if (!failure.actual().empty()) absl::StrAppend(&text, "actual: ", failure.actual(), "\n");
  for (const std::string& line : ViolationLines(result)) absl::StrAppend(&text, line, "\n");
  if (failure.line() != 0) absl::StrAppend(&text, failure.file(), ":", failure.line(), "\n");
  if (!result.replay().empty()) absl::StrAppend(&text, "replay: ", result.replay(), "\n");
  return text;
}

// What a case is about; a finding of the fuzzer is about what its failure cites.
const google::protobuf::RepeatedPtrField<std::string>& CiteOf(const v1::CaseResult& result) {
  return result.cite().empty() ? result.failure().cite() : result.cite();
}

std::string CaseElement(const v1::CaseResult& result, bool strict) {
  std::string out = absl::StrFormat("    <testcase name=\"%s\" classname=\"%s\" time=\"%.3f\">\n",
                                    Escape(result.id()), Escape(result.area()), result.seconds());
  absl::StrAppend(&out, "      <properties>\n        <property name=\"verdict\" value=\"",
                  ToAbsl(VerdictName(result)),
                  "\"/>\n        <property name=\"requirements\" value=\"",
                  Escape(absl::StrJoin(CiteOf(result), " ")), "\"/>\n      </properties>\n");
  const std::string message =
      Escape(absl::StrCat(result.failure().message(), result.overlay_reason().empty() ? "" : " [",
                          result.overlay_reason(), result.overlay_reason().empty() ? "" : "]"));
  switch (ShapeOf(result, strict)) {
    case Shape::kPassed:
      // WARN and AMBIGUOUS pass, and are told all the same.
      if (result.verdict() != v1::PASS) {
        absl::StrAppend(&out, "      <system-out>", ToAbsl(VerdictName(result)), ": ",
                        Escape(FailureText(result)), "</system-out>\n");
      }
      break;
    case Shape::kSkipped:
      absl::StrAppend(&out, "      <skipped message=\"", ToAbsl(VerdictName(result)), ": ", message,
                      "\"/>\n");
      break;
    case Shape::kFailure:
    case Shape::kError: {
      const char* element = ShapeOf(result, strict) == Shape::kError ? "error" : "failure";
      absl::StrAppend(&out, "      <", element, " type=\"", ToAbsl(VerdictName(result)),
                      "\" message=\"", message, "\">", Escape(FailureText(result)), "</", element,
                      ">\n");
      break;
    }
  }
  absl::StrAppend(&out, "    </testcase>\n");
  return out;
}

std::string SuiteElement(const std::string& name, size_t tests, const Counts& counts,
                         const v1::RunResult& run, const std::string& cases) {
  return absl::StrFormat(
      "  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\" "
      "time=\"%.3f\" timestamp=\"%s\">\n%s  </testsuite>\n",
      Escape(name), tests, counts.failures, counts.errors, counts.skipped, counts.seconds,
      Escape(run.started()), cases);
}

// A test that is no case of the suites, and failed. `element`: failure or error.
std::string OwnElement(const std::string& name, const std::string& area, const char* element,
                       const std::string& type, const std::string& message) {
  return absl::StrFormat(
      "    <testcase name=\"%s\" classname=\"%s\" time=\"0.000\">\n"
      "      <%s type=\"%s\" message=\"%s\">%s</%s>\n    </testcase>\n",
      Escape(name), Escape(area), element, type, Escape(message), Escape(message), element);
}

// Why the run as such failed, and entries of the profile that no longer hold, as tests of their
// own.
std::string OwnSuites(const v1::RunResult& run, int* tests, Counts* total) {
  std::string suites;
  if (!run.run_error().empty()) {
    Counts counts;
    counts.errors = 1;
    suites += SuiteElement("run", 1, counts, run,
                           OwnElement("run/target", "run", "error", "RUN", run.run_error()));
    ++total->errors;
    ++*tests;
  }
  if (run.profile_complaint().empty()) return suites;
  Counts counts;
  std::string cases;
  for (const v1::ProfileComplaint& complaint : run.profile_complaint()) {
    cases += OwnElement(absl::StrCat("profile/", complaint.id()), "profile", "failure", "STALE",
                        ComplaintLine(run.profile(), complaint));
    ++counts.failures;
  }
  total->failures += counts.failures;
  *tests += counts.failures;
  return suites + SuiteElement("profile", static_cast<size_t>(counts.failures), counts, run, cases);
}

}  // namespace

std::string ToJunit(const v1::RunResult& run, bool strict) {
  std::map<std::string, std::vector<const v1::CaseResult*>> areas;
  for (const v1::CaseResult& result : run.result()) areas[result.area()].push_back(&result);

  std::string suites;
  Counts total;
  for (const auto& [area, results] : areas) {
    Counts counts;
    std::string cases;
    for (const v1::CaseResult* result : results) {
      const Shape shape = ShapeOf(*result, strict);
      counts.failures += shape == Shape::kFailure;
      counts.errors += shape == Shape::kError;
      counts.skipped += shape == Shape::kSkipped;
      counts.seconds += result->seconds();
      cases += CaseElement(*result, strict);
    }
    suites += SuiteElement(area, results.size(), counts, run, cases);
    total.failures += counts.failures;
    total.errors += counts.errors;
    total.skipped += counts.skipped;
  }
  int tests = run.result_size();
  suites += OwnSuites(run, &tests, &total);
  return absl::StrFormat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"pushpull %s\" tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\" "
      "time=\"%.3f\">\n%s</testsuites>\n",
      Escape(run.target()), tests, total.failures, total.errors, total.skipped, run.seconds(),
      suites);
}

}  // namespace pushpull::conformance
