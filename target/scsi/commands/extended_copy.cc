#include "target/scsi/commands/extended_copy.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "target/scsi/command_table.h"
#include "target/scsi/commands/blocks.h"
#include "target/scsi/commands/extended_copy_list.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/copy_results.h"
#include "target/scsi/nexus.h"

namespace pushpull::target::commands {
namespace {

constexpr uint64_t kChunkBytes = 1 << 20;
// A slice: both is copied.
constexpr uint64_t kBytesAtATime = kWriteSliceBytes;
constexpr uint64_t kMaxListBytes = kCopyHeaderBytes + 2 * kMaxDescriptorBytes;

struct CopyState : CommandState {
  CopyList list;
  size_t segment = 0;       // that is being copied
  uint64_t done_bytes = 0;  // of it
  uint64_t all_bytes = 0;
  uint64_t rested_at_bytes = 0;
  bool rests = false;                // or waits for a command that runs alone, where it is to read
  bool writes = false;               // waits for such, where it is to write
  std::vector<LogicalUnit*> cached;  // written to by what may be in its cache
  std::vector<uint8_t> chunk;
  iovec buffer{};
  std::unique_ptr<LogicalUnit::ForeignAccess> foreign;  // of the I/O that is on its way
};

uint32_t ListLength(const Task& task) { return base::LoadBe32(&task.cdb[10]); }

// Where the next chunk is, from the segment's begin. What overlaps is copied from its end where it
// moves up, so that nothing is overwritten before it was read.
uint64_t NextOffset(const CopySegment& segment, uint64_t done, uint64_t bytes) {
  const bool backwards = segment.from == segment.to && segment.to_byte > segment.from_byte;
  return backwards ? segment.bytes - done - bytes : done;
}

void Remember(LogicalUnit& unit, const Task& task, const CopyState& state, bool ok) {
  if (!state.list.keeps_result) return;
  const bool uncounted = unit.device().bugs.Has(Bug::kScsiCopySegmentsUncounted);
  const size_t segments = uncounted ? 0 : state.segment;
  unit.copy_results().Remember(
      {task.nexus, state.list.list_id, ok, static_cast<uint16_t>(segments), state.all_bytes});
}

// At the end: the cache of a unit may have been turned off while this was on its way.
Step FlushNext(LogicalUnit& unit, Task& task, CopyState& state) {
  while (!state.cached.empty()) {
    LogicalUnit* const to = state.cached.back();
    state.cached.pop_back();
    if (MayCache(*to) || !to->has_volatile_cache()) continue;
    task.work.store = to->store().get();
    return Flush(&task.work.io);
  }
  Remember(unit, task, state, /*ok=*/true);
  return Step::Good();
}

Step FailCopy(LogicalUnit& unit, const Task& task, const CopyState& state) {
  Remember(unit, task, state, /*ok=*/false);
  return Step::Fail(sense::kThirdPartyDeviceFailure);
}

// Begins the chunk's I/O, which is set, on `other`. Where one of that unit's own commands has these
// blocks for itself, `waits` is set, and the task resumed when it may be tried again.
Step BeginIo(LogicalUnit& unit, Task& task, CopyState& state, LogicalUnit& other, bool* waits) {
  task.work.store = other.store().get();
  if (&other == &unit) return Step::Transfer();
  const uint64_t begin = task.work.io.offset / other.block_size();
  const Extent extent{begin, begin + state.chunk.size() / other.block_size()};
  auto again = [&unit, &task, loop = task.nexus->loop()] {
    loop->Post([&unit, &task] { unit.Continue(&task, absl::OkStatus()); });
  };
  switch (other.BeginForeignAccess(extent, std::move(again), &state.foreign)) {
    case LogicalUnit::Foreign::kBegun:
      return Step::Transfer();
    case LogicalUnit::Foreign::kWaits:
      *waits = true;
      return Step::Wait();
    case LogicalUnit::Foreign::kRefused:
      break;
  }
  return FailCopy(unit, task, state);
}

// Reads the next chunk, or ends.
Step Next(LogicalUnit& unit, Task& task, CopyState& state) {
  Io& io = task.work.io;
  while (state.segment < state.list.segments.size() &&
         state.done_bytes == state.list.segments[state.segment].bytes) {
    ++state.segment;
    state.done_bytes = 0;
  }
  if (state.segment == state.list.segments.size()) return FlushNext(unit, task, state);
  if (state.all_bytes - state.rested_at_bytes >= kBytesAtATime) {
    state.rested_at_bytes = state.all_bytes;
    state.rests = true;
    return Rest(unit, task);
  }
  const CopySegment& segment = state.list.segments[state.segment];
  // Others may have reserved a unit since, to keep this initiator out.
  if (!MayCopy(*task.nexus, segment)) return FailCopy(unit, task, state);
  const uint64_t bytes = std::min(kChunkBytes, segment.bytes - state.done_bytes);
  state.chunk.resize(bytes);
  state.buffer = {state.chunk.data(), bytes};
  io.op = Io::Op::kRead;
  io.durable = false;
  io.offset = segment.from_byte + NextOffset(segment, state.done_bytes, bytes);
  io.buffers = {&state.buffer, 1};
  return BeginIo(unit, task, state, *segment.from, &state.rests);
}

// Writes the chunk that was read.
Step Write(LogicalUnit& unit, Task& task, CopyState& state) {
  Io& io = task.work.io;
  const CopySegment& segment = state.list.segments[state.segment];
  if (!MayCopy(*task.nexus, segment)) return FailCopy(unit, task, state);
  io.op = Io::Op::kWrite;
  io.durable = !MayCache(*segment.to);
  if (!io.durable && std::ranges::count(state.cached, segment.to) == 0) {
    state.cached.push_back(segment.to);
  }
  io.offset = segment.to_byte + NextOffset(segment, state.done_bytes, state.chunk.size());
  return BeginIo(unit, task, state, *segment.to, &state.writes);
}

}  // namespace

Prepared PrepareExtendedCopy(const LogicalUnit& unit, const Task& task) {
  if (ListLength(task) == 0 && unit.device().bugs.Has(Bug::kScsiCopyOfNothingRefused)) {
    return sense::kParameterListLengthError;
  }
  if (ListLength(task) > kMaxListBytes) return sense::kParameterListLengthError;
  return DataOut(ListLength(task));
}

Step ExecuteExtendedCopy(LogicalUnit& unit, Task& task) {
  if (ListLength(task) == 0) return Step::Good();
  const std::vector<uint8_t> bytes = ParameterList(task);
  if (bytes.size() < ListLength(task)) return Step::Fail(sense::kParameterListLengthError);
  if (const auto list_id = NamedList(bytes)) unit.copy_results().Forget(task.nexus, *list_id);
  auto list = ParseCopyList(unit, *task.nexus, bytes);
  if (!list.ok()) return Step::Fail(list.error());
  auto state = std::make_unique<CopyState>();
  state->list = *std::move(list);
  CopyState& state_ref = *state;
  task.work.state = std::move(state);
  return Next(unit, task, state_ref);
}

Step ResumeExtendedCopy(LogicalUnit& unit, Task& task, const absl::Status& status) {
  auto& state = static_cast<CopyState&>(*task.work.state);
  Io& io = task.work.io;
  state.foreign.reset();
  if (!status.ok()) return FailCopy(unit, task, state);
  if (std::exchange(state.rests, false)) return Next(unit, task, state);
  if (std::exchange(state.writes, false)) return Write(unit, task, state);
  if (io.op == Io::Op::kFlush) return FlushNext(unit, task, state);
  if (io.op == Io::Op::kWrite) {
    state.done_bytes += state.chunk.size();
    state.all_bytes += state.chunk.size();
    return Next(unit, task, state);
  }
  return Write(unit, task, state);
}

// ---- RECEIVE COPY RESULTS ----------------------------------------------------------------------

namespace {

enum ServiceAction : uint8_t { kCopyStatus = 0, kOperatingParameters = 3 };

uint32_t AllocationLength(const Task& task) { return base::LoadBe32(&task.cdb[10]); }

// SPC-4 §6.20.2. Copies are done when EXTENDED COPY ends: none is ever on its way here.
ParameterData CopyStatus(const CopyResult& result) {
  constexpr uint8_t kDone = 1, kDoneWithErrors = 2;
  constexpr uint8_t kKibibytes = 1;
  ParameterData data;
  data.Add32(8);
  data.Add8(result.ok ? kDone : kDoneWithErrors);
  data.Add16(result.segments);
  data.Add8(kKibibytes);
  data.Add32(static_cast<uint32_t>(std::min<uint64_t>(result.bytes / 1024, UINT32_MAX)));
  return data;
}

// SPC-4 §6.20.4.
ParameterData OperatingParameters(const LogicalUnit& unit) {
  ParameterData data;
  data.Add32(0);
  data.Add32(0x0100'0000);  // SNLID
  data.Add16(kMaxCscds);
  data.Add16(kMaxSegments);
  data.Add32(kMaxDescriptorBytes);
  data.Add32(0xffff * unit.block_size());  // MAXIMUM SEGMENT LENGTH
  data.Add32(0);                           // no inline data
  data.Add32(0);                           // nothing is held
  data.Add32(0);                           // no streams
  data.AddZeros(2);
  data.Add16(0xff);                                                   // TOTAL CONCURRENT COPIES
  data.Add8(0xff);                                                    // MAXIMUM CONCURRENT COPIES
  data.Add8(static_cast<uint8_t>(__builtin_ctz(unit.block_size())));  // as a power of 2
  data.AddZeros(5);
  data.Add8(2);
  data.Add8(0x02);  // block to block
  data.Add8(0xe4);  // identification descriptors
  const bool counts_itself = unit.device().bugs.Has(Bug::kScsiCopyParametersLength);
  data.Set32(0, static_cast<uint32_t>(data.size() - (counts_itself ? 0 : 4)));
  return data;
}

}  // namespace

Prepared PrepareReceiveCopyResults(const LogicalUnit& /*unit*/, const Task& task) {
  return DataIn(AllocationLength(task), 64);
}

Step ExecuteReceiveCopyResults(LogicalUnit& unit, Task& task) {
  if (ServiceActionOf(task) == kOperatingParameters) {
    return Reply(task, OperatingParameters(unit).bytes(), AllocationLength(task));
  }
  const auto result = unit.copy_results().Take(task.nexus, task.cdb[2]);
  if (!result.has_value()) return Step::Fail(InvalidField(2));
  return Reply(task, CopyStatus(*result).bytes(), AllocationLength(task));
}

}  // namespace pushpull::target::commands
