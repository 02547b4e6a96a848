#include "tools/pushpull/bugs_shown.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"

namespace pushpull::tools {
namespace {

bool Passed(v1::Verdict verdict) { return verdict == v1::PASS || verdict == v1::WARN; }

bool Found(v1::Verdict verdict) {
  return verdict == v1::FAIL || verdict == v1::TIMEOUT || verdict == v1::ERROR;
}

}  // namespace

std::vector<std::string> BugsNotShown(const std::vector<std::string>& bugs,
                                      const std::vector<conformance::Case>& all,
                                      const v1::RunResult& run, bool rdma) {
  std::map<std::string, v1::Verdict> verdicts;
  for (const v1::CaseResult& result : run.result()) {
    if (Found(result.verdict())) return {};
    verdicts[result.id()] = result.verdict();
  }
  std::vector<std::string> lines;
  for (const std::string& bug : bugs) {
    std::string passed, other;
    for (const conformance::Case& c : all) {
      if (std::ranges::count(c.scenario().kills(), bug) == 0) continue;
      const auto played = verdicts.find(c.id());
      const bool passes = played != verdicts.end() && Passed(played->second);
      std::string& named = passes ? passed : other;
      if (named.empty()) named = c.id();
    }
    const std::string begin = absl::StrCat("--bug ", bug, " didn't show: ");
    if (!passed.empty() && rdma) {
      lines.push_back(absl::StrCat(
          begin, passed,
          " passed, which finds it over TCP. Over iSER data moves by RDMA, without "
          "R2T, Data-Out, Data-In and digests (RFC 7145 §7.3), and what is wrong with those can't "
          "show; try --target embedded:"));
    } else if (passed.empty() && !other.empty()) {
      lines.push_back(absl::StrCat(begin, "no case that finds it was played, as ", other, " is one",
                                   rdma ? "; it may be about what TCP alone has: try --target "
                                          "embedded:"
                                        : ""));
    }
  }
  return lines;
}

}  // namespace pushpull::tools
