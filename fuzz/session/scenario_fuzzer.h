// What libFuzzer calls, for inputs that are scenarios in text form.

#ifndef FUZZ_SESSION_SCENARIO_FUZZER_H_
#define FUZZ_SESSION_SCENARIO_FUZZER_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "fuzz/mutator/scenario_mutator.h"
#include "fuzz/session/play_session.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

class ScenarioFuzzer {
 public:
  // PUSHPULL_FUZZ_BUG names a defect that the target has (to see how long it takes to find it).
  // With PUSHPULL_FUZZ_TELL findings are told on standard output, and the fuzzer goes on. With
  // PUSHPULL_FUZZ_STATES the states that were reached are printed at the end.
  ScenarioFuzzer(bool iser, std::span<uint8_t> counters);
  ~ScenarioFuzzer();

  // 0, or -1: the input is no scenario, and isn't worth keeping. Ends the process on a finding.
  int Test(std::string_view input);
  // The text of the mutated scenario's size; it is written over `data`.
  size_t Mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed);
  size_t CrossOver(std::string_view one, std::string_view other, std::span<uint8_t> out,
                   unsigned seed);

 private:
  bool Read(std::string_view text, v1::Scenario* scenario) const;
  v1::Scenario ReadOrFirst(std::string_view text) const;
  size_t Write(v1::Scenario scenario, std::span<uint8_t> out);

  ScenarioMutator mutator_;
  SessionOptions options_;
  const std::span<uint8_t> counters_;
  bool tell_ = false;
  bool states_ = false;
  std::set<std::string> reached_;
  // What was written last: it is what is tested, and often mutated, next.
  std::string written_;
  v1::Scenario written_scenario_;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_SCENARIO_FUZZER_H_
