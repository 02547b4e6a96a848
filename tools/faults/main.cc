// faults: plants each fault of the table between the suites and the reference target, and says what
// caught it.

#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "conformance/runner/glob.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/faults/fault.h"
#include "tools/faults/trial.h"

namespace pushpull::faults {
namespace {

struct Options {
  std::vector<std::string> only;
  std::vector<std::string> cases;
  Trial::Options trial;
  size_t shard = 0;
  size_t shards = 1;
  bool list = false;
  size_t missed = 0;
};

std::vector<conformance::Case> CasesOf(const Options& options) {
  const auto files = conformance::BuiltInSuites();
  const auto cases = conformance::Expand(*files);
  conformance::Selection selection;
  selection.only = options.cases;
  return conformance::Select(*cases, selection);
}

bool Chosen(const Options& options, const std::string& name) {
  if (options.only.empty()) return true;
  for (const std::string& glob : options.only) {
    if (conformance::GlobMatch(glob, name)) return true;
  }
  return false;
}

int Run(const Options& options) {
  std::vector<Fault> faults;
  size_t number = 0;
  for (Fault& fault : AllFaults()) {
    if (!Chosen(options, fault.name)) continue;
    if (number++ % options.shards == options.shard) faults.push_back(std::move(fault));
  }
  if (options.list) {
    for (const Fault& fault : faults) {
      std::printf("%s\n", fault.name.c_str());
    }
    return 0;
  }
  const auto factory = tools::MakeEmbeddedSimFactory({});
  const Trial trial(factory.get(), CasesOf(options));
  for (const auto& [id, what] : trial.unusual())
    std::printf("healthy: %s %s\n", id.c_str(), what.c_str());
  size_t caught = 0, partly = 0, excused = 0, missed = 0, quiet = 0, alarms = 0, never = 0;
  for (const Fault& fault : faults) {
    const Finding finding = trial.Try(fault, options.trial);
    const char* verdict = "CAUGHT";
    if (finding.planted == 0) {
      verdict = "NEVER", ++never;
    } else if (finding.legal) {
      verdict = finding.caught + finding.timed_out == 0 ? "QUIET" : "ALARM";
      ++(finding.caught + finding.timed_out == 0 ? quiet : alarms);
    } else if (finding.missed.empty()) {
      ++caught;
    } else if (!Excuse(fault.name).empty()) {
      verdict = "EXCUSED", ++excused;
    } else if (finding.caught == 0) {
      verdict = "MISSED", ++missed;
    } else if (finding.missed.size() > finding.timed_out) {
      verdict = "PARTLY", ++partly;
    } else {
      ++caught;
    }
    std::printf("%-7s %-50s %s%s\n", verdict, fault.name.c_str(), ToString(finding).c_str(),
                verdict == std::string("EXCUSED")
                    ? absl::StrCat(" (", std::string(Excuse(fault.name)), ")").c_str()
                    : "");
    if (!finding.legal) {
      size_t shown = 0;
      for (const std::string& id : finding.missed) {
        if (++shown > options.missed) break;
        std::printf("          missed %s\n", id.c_str());
      }
    }
    std::fflush(stdout);
  }
  std::printf(
      "%zu faults that were planted: %zu caught in every case, %zu in some, %zu missed, %zu "
      "excused; "
      "%zu more fit nowhere\n%zu legal variations: %zu change nothing, %zu are false alarms\n",
      caught + partly + missed + excused, caught, partly, missed, excused, never, quiet + alarms,
      quiet, alarms);
  return 0;
}

}  // namespace
}  // namespace pushpull::faults

int main(int argc, char** argv) {
  CLI::App app("Plants faults between the suites and the reference target.");
  pushpull::faults::Options options;
  app.add_option("--only", options.only, "faults, by name; * and ? stand for anything");
  app.add_option("--cases", options.cases, "cases, by id; * and ? stand for anything");
  app.add_option("--nth", options.trial.only, "plant only where it fits for the n-th time");
  app.add_option("--enough", options.trial.enough, "stop a fault when so many cases caught it");
  app.add_option("--most", options.trial.most,
                 "stop a fault when it was planted into so many cases");
  app.add_option("--shard", options.shard, "of --shards: only this one, from 0");
  app.add_option("--shards", options.shards, "so many parts of the table");
  app.add_flag("--list", options.list, "print the names of the faults");
  app.add_option("--missed", options.missed, "print so many cases in which a fault was not seen");
  CLI11_PARSE(app, argc, argv);
  return pushpull::faults::Run(options);
}
