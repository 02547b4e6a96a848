// What is wrong with a scenario although it parses: names that nothing defines, expectations that
// can't fail, steps that can't be reached.

#ifndef CONFORMANCE_SCENARIO_LINT_H_
#define CONFORMANCE_SCENARIO_LINT_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "conformance/scenario/scenario_file.h"

namespace pushpull::conformance {

struct LintError {
  std::string file;
  uint32_t line = 0;
  std::string rule;     // "unknown_cite"; docs/SCENARIOS.md has them all
  std::string message;  // what is wrong, and what to do

  // "FILE:LINE: message [rule]"
  std::string ToString() const;
};

struct LintOptions {
  // What the id must be (IdOfPath). Empty: not judged.
  std::string id = {};
  // Ids of the catalogue, and names of the reference target's mutants. Null: not judged.
  const std::set<std::string>* requirements = nullptr;
  const std::set<std::string>* mutants = nullptr;
  // A recorded session, a fuzz input or a reproducer: needs no title, why, cite, level, since, and
  // may judge nothing. (A trace needs title and why.)
  bool recording = false;
};

// In the order of lines. Empty: nothing is wrong.
std::vector<LintError> Lint(const ScenarioFile& file, const LintOptions& options);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_SCENARIO_LINT_H_
