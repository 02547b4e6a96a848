// Deliveries a second, and the receive machine's own question: what a trace costs under each
// schedule.
//
//   bazel run --config=bench //fuzz/replay:replay_benchmark

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "benchmark/benchmark.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/replay_testing.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/schedule.h"

namespace pushpull::replay {
namespace {

// Three headers without data: 144 bytes.
Trace Headers() { return TraceOf("trace {} step { send { count: 3 pdu { nop_out {} } } }"); }

Trace ImmediateData(int bytes, bool digests) {
  const std::string flag = digests ? "true" : "false";
  return TraceOf("trace { max_recv_data_segment_length: 65536 header_digest: " + flag +
                 " data_digest: " + flag + " } step { send { pdu { scsi_command { cdb { write { " +
                 "blocks: 128 } } } data { pattern { length: " + std::to_string(bytes) +
                 " } } } } }");
}

Trace TraceOfKind(int kind) {
  switch (kind) {
    case 0:
      return Headers();
    case 1:
      return MixedTrace(false, false);
    case 2:
      return MixedTrace(true, true);
    case 3:
      return ImmediateData(8192, false);
    default:
      return ImmediateData(8192, true);
  }
}
constexpr const char* kKinds[] = {"3 headers", "5 mixed PDUs", "5 mixed PDUs, digests",
                                  "8 KiB immediate", "8 KiB immediate, digests"};

void Play(benchmark::State& state, const char* schedule, Source source) {
  const Trace trace = TraceOfKind(static_cast<int>(state.range(0)));
  state.SetLabel(kKinds[state.range(0)]);
  const std::unique_ptr<Receiver> receiver = MakeRxReceiver();
  CHECK(receiver->Open(trace).ok());
  const std::vector<Source> sources = receiver->sources();
  if (std::find(sources.begin(), sources.end(), source) == sources.end()) {
    state.SkipWithError("there is no push with digests");
    return;
  }
  const auto oracle = Oracle::Make(trace, receiver.get());
  CHECK(oracle.ok());
  auto deliveries =
      std::make_unique<Deliveries>(*Schedule::Parse(schedule), trace, std::vector{source});
  Delivery delivery;
  for (auto unused : state) {
    if (!deliveries->Next(&delivery)) {
      deliveries =
          std::make_unique<Deliveries>(*Schedule::Parse(schedule), trace, std::vector{source});
      CHECK(deliveries->Next(&delivery));
    }
    const auto outcome = receiver->Play(delivery);
    CHECK(!oracle->Differs(source, *outcome));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(trace.bytes.size()));
}

BENCHMARK_CAPTURE(Play, whole_tcp, "none", Source::kTcp)->DenseRange(0, 4);
BENCHMARK_CAPTURE(Play, whole_bytes, "none", Source::kBytes)->DenseRange(0, 4);
BENCHMARK_CAPTURE(Play, whole_push, "none", Source::kPush)->Arg(0)->Arg(1)->Arg(3);
BENCHMARK_CAPTURE(Play, all2_tcp, "all2", Source::kTcp)->DenseRange(0, 2);
BENCHMARK_CAPTURE(Play, all2_bytes, "all2", Source::kBytes)->DenseRange(0, 2);
BENCHMARK_CAPTURE(Play, byte_by_byte_tcp, "bytes", Source::kTcp)->DenseRange(0, 4);

}  // namespace
}  // namespace pushpull::replay
