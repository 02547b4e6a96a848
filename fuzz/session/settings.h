// What an input chooses of the target that it is played against, by variables of its scenario:
//
//   let { name: "target_loops" number: 2 }
//   let { name: "target_variation" number: 17 }
//
// Whatever the numbers are, they come to a target that is right, and that the initiator of the play
// gets into: none of them excuses a finding.

#ifndef FUZZ_SESSION_SETTINGS_H_
#define FUZZ_SESSION_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "fuzz/mutator/scenario_mutator.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

enum class Setting : uint8_t {
  kVariation,      // what the RFC leaves to a target, by this seed
  kPlainText,      // but not the form of texts
  kLoops,          // 1 to 3, over which its connections are spread
  kAccess,         // 1: names that end in ":denied", ":moved" ... don't get in
  kChap,           // 1 asks for it, 2 takes None, too; 3 in base64, 4 but in discovery
  kLog,            // 1: it writes a log of all levels
  kTap,            // 1: somebody listens to its PDUs
  kPingMs,         // of idle connections
  kUnit,           // of which kind LUN 0 is
  kBufferBytes,    // of all sessions
  kSessionBuffer,  // bytes of one session
  kQueueDepth,
  kMaxLogins,
  kMaxSessions,
  kLoginTimeoutMs,
  kDataSegment,  // limits of the negotiation
  kMaxBurst,
  kFirstBurst,
  kMaxR2ts,
  kInitialR2t,
  kImmediateData,
  kDigests,  // 0: it knows none
  kTime2Wait,
  kTime2Retain,
  kIserSegment,
  kUnexpectedPdus,
  kDialect,        // of iSER: 1 takes what either of both texts says
  kNetworkChunk,   // bytes that the network takes or gives at a time
  kNetworkBuffer,  // bytes on their way
  kNetworkBlocks,  // 1: it often has nothing, or no room, for a moment
  kCount,
};

// The names, and numbers worth trying: for mutators.
std::span<const NamedNumbers> AllSettings();

class Settings {
 public:
  Settings() = default;
  explicit Settings(const v1::Scenario& scenario);

  void Set(Setting setting, uint64_t number);
  std::optional<uint64_t> Get(Setting setting) const;
  // As a bound: at least `least`, at most `most`.
  std::optional<uint64_t> Within(Setting setting, uint64_t least, uint64_t most) const;
  bool Is(Setting setting, uint64_t number) const { return Get(setting) == number; }

 private:
  std::optional<uint64_t> numbers_[static_cast<size_t>(Setting::kCount)];
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_SETTINGS_H_
