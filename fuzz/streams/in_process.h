// Streams on the device server itself, without any transport.

#ifndef FUZZ_STREAMS_IN_PROCESS_H_
#define FUZZ_STREAMS_IN_PROCESS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/model/model.h"
#include "fabric/sim_world.h"
#include "fuzz/streams/gate_store.h"
#include "fuzz/streams/stream.h"
#include "target/bugs/bugs.h"
#include "target/scsi/device_server.h"

namespace pushpull::streams {

// A device server with the units and nexuses of all streams.
class InProcess {
 public:
  explicit InProcess(target::BugSet bugs = {});
  ~InProcess();

  // Of a command; empty for others, but for kTogether.
  Answer Play(const Item& item);
  // Of each command of a kTogether.
  std::vector<Answer> PlayTogether(const Item& item);

 private:
  struct Flight;

  void Open(size_t nexus);
  void Close(size_t nexus);
  void Prepare(const conformance::model::Command& command, Flight* flight);
  void Execute(const conformance::model::Command& command, Flight* flight);
  static Answer AnswerOf(Flight* flight);
  Answer Do(const conformance::model::Command& command);
  Answer Sanitize(const conformance::model::Command& command);
  void Settle();

  fabric::SimWorld world_{1};
  std::unique_ptr<target::DeviceServer> server_;
  std::vector<fabric::Loop*> loops_;
  std::vector<target::Nexus*> nexuses_;
  std::vector<std::shared_ptr<GateStore>> stores_;  // of Luns()
  size_t opened_ = 0;                               // sessions
};

struct Finding {
  Stream stream;
  std::string text;  // of the last of its items
};

// Plays a stream beside the model. Where they differ: the stream up to there.
std::optional<Finding> PlayInProcess(const Stream& stream, target::BugSet bugs = {});

struct StreamOptions {
  uint64_t seed = 1;
  size_t commands = 1000;  // before the ending
  target::BugSet bugs;
};

// Makes a stream and plays it at once; a difference comes minimised.
std::optional<Finding> RunInProcess(const StreamOptions& options);

}  // namespace pushpull::streams

#endif  // FUZZ_STREAMS_IN_PROCESS_H_
