// Where the bytes of a logical unit are: memory, a file, nowhere.
//
// A store knows nothing of SCSI. All stores may be used from any number of loops at once; two I/Os
// in flight over the same bytes may be done in either order, as on any disk.

#ifndef TARGET_STORE_STORE_H_
#define TARGET_STORE_STORE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/bytes.h"
#include "fabric/loop.h"

namespace pushpull::target {

// One transfer between memory and a store. The caller owns it, and keeps it, `buffers` and the
// memory they name unchanged until it is done.
struct Io {
  enum class Op : uint8_t {
    kRead,
    kWrite,
    kFlush,  // what was written before is on stable storage; has no offset and no buffers
  };

  // From the loop that the caller runs on; `done` is called there.
  fabric::Loop* loop = nullptr;
  Op op = Op::kRead;
  bool durable = false;  // kWrite: done only when it is on stable storage (SBC: FUA)
  uint64_t offset = 0;   // bytes
  std::span<const iovec> buffers;

  // OK: all of `buffers` was moved. What other codes mean is below. May free or reuse the Io.
  absl::AnyInvocable<void(absl::Status)> done;

  // For the store that holds it.
  fabric::Loop::TimerId timer = 0;
  void* held_by = nullptr;
};

// The sum of the buffers' sizes.
uint64_t IoBytes(std::span<const iovec> buffers);

// Calls io->done. For stores.
void FinishIo(Io* io, absl::Status status);

// Statuses:
//   kCancelled          Cancel() came in time; nothing was moved, or an unknown part
//   kOutOfRange         beyond size_bytes(): the caller's mistake; nothing was moved
//   kPermissionDenied   a write to what can't be written
//   kResourceExhausted  the medium is full
//   others              the medium failed (kDataLoss: these bytes)
class Store {
 public:
  virtual ~Store() = default;  // no I/O may be in flight

  // Starts `io`. Where the answer is there at once (memory), it is returned, and `io->done` is not
  // called; else nothing is returned, and `done` is called later on `io->loop`, never within this
  // call.
  [[nodiscard]] virtual std::optional<absl::Status> Submit(Io* io) = 0;

  // Asks for a quick end of an I/O for which `done` has not been called yet; `done` will be called
  // all the same, later, with kCancelled or with what came of it. From `io->loop`.
  virtual void Cancel(Io* /*io*/) {}

  virtual uint64_t size_bytes() const = 0;
  virtual bool read_only() const { return false; }

  // Whether a write may be lost by a power failure until it was flushed.
  virtual bool has_volatile_cache() const { return false; }

  // All bytes of a store that lies in memory, for transports that move data without a copy; empty
  // for others. Who uses it must itself take care that nobody writes what another reads.
  // Buffers of an Io may be pieces of it, each where the Io has it: nothing is copied for those.
  virtual base::MutableBytes Memory() { return {}; }

 protected:
  // For Submit: whether `io` is within the store, and isn't a write to what is read-only.
  absl::Status Check(const Io& io) const;
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_STORE_H_
