#include "conformance/report/verdict.h"

namespace pushpull::conformance {

bool IsFailure(v1::Verdict verdict, bool strict) {
  switch (verdict) {
    case v1::PASS:
    case v1::AMBIGUOUS:
    case v1::SKIP:
    case v1::UNSUPPORTED:
    case v1::NOT_PLAYED:
      return false;
    case v1::WARN:
      return strict;
    default:
      return true;
  }
}

bool WasNotPlayed(v1::Verdict verdict) {
  return verdict == v1::SKIP || verdict == v1::UNSUPPORTED || verdict == v1::NOT_PLAYED;
}

bool IsExpected(const v1::CaseResult& result, bool strict) {
  switch (result.overlay()) {
    case v1::XFAIL:
      return true;
    case v1::XPASS:
      return false;
    default:
      return !IsFailure(result.verdict(), strict);
  }
}

std::string_view VerdictName(const v1::CaseResult& result) {
  if (result.overlay() == v1::XFAIL) return "XFAIL";
  if (result.overlay() == v1::XPASS) return "XPASS";
  switch (result.verdict()) {
    case v1::PASS:
      return "PASS";
    case v1::WARN:
      return "WARN";
    case v1::FAIL:
      return "FAIL";
    case v1::TIMEOUT:
      return "TIMEOUT";
    case v1::AMBIGUOUS:
      return "AMBIGUOUS";
    case v1::SKIP:
      return "SKIP";
    case v1::UNSUPPORTED:
      return "UNSUPPORTED";
    case v1::NOT_PLAYED:
      return "NOT_PLAYED";
    default:
      return "ERROR";
  }
}

}  // namespace pushpull::conformance
