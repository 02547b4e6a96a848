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
    kFlush,  // what was written or unmapped before is on stable storage; no offset, no buffers
    kUnmap,  // gives `bytes` from `offset` on back: they read as zeros; no buffers
  };

  // From the loop that the caller runs on; `done` is called there.
  fabric::Loop* loop = nullptr;
  Op op = Op::kRead;
  bool durable = false;  // kWrite: done only when it is on stable storage (SBC: FUA)
  uint64_t offset = 0;   // bytes
  uint64_t bytes = 0;    // kUnmap
  std::span<const iovec> buffers;

  // OK: all of `buffers` was moved. What other codes mean is below. May free or reuse the Io.
  absl::AnyInvocable<void(absl::Status)> done;

  // For the store that holds it.
  fabric::Loop::TimerId timer = 0;
  void* held_by = nullptr;
};

// The sum of the buffers' sizes.
uint64_t IoBytes(std::span<const iovec> buffers);

// How many bytes of the store it is about.
uint64_t IoLength(const Io& io);

// Calls io->done. For stores.
void FinishIo(Io* io, absl::Status status);

// Statuses:
//   kCancelled          Cancel() came in time; nothing was moved, or an unknown part
//   kOutOfRange         beyond size_bytes(): the caller's mistake; nothing was moved
//   kPermissionDenied   a write to what can't be written
//   kResourceExhausted  the medium is full
//   kUnimplemented      kUnmap, where can_unmap() says no
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

  // Whether a write may be lost by a power failure until it was flushed. A flush covers all that
  // was done before it was submitted. After one that failed no other succeeds: what was lost is
  // lost.
  virtual bool has_volatile_cache() const { return false; }

  // Whether kUnmap is there, and the unit in which space is really given back.
  virtual bool can_unmap() const { return false; }
  virtual uint32_t unmap_granularity_bytes() const { return 4096; }

  // What the bytes from `offset` on, which is within the store, have in common: space is taken for
  // them, or none is and they read as zeros. `bytes` > 0; there may be more of the kind behind it.
  // A store that doesn't know says that all is mapped.
  struct Extent {
    bool mapped = true;
    uint64_t bytes = 0;

    friend bool operator==(const Extent&, const Extent&) = default;
  };
  virtual Extent ExtentAt(uint64_t offset) const { return {true, size_bytes() - offset}; }

  // All bytes of a store that lies in memory, for transports that move data without a copy; empty
  // for others. Who uses it must itself take care that nobody writes what another reads.
  // Buffers of an Io may be pieces of it, each where the Io has it: nothing is copied for those.
  virtual base::MutableBytes Memory() { return {}; }

  // Bytes of Memory() may have been written by a transport, without an I/O that says so.
  virtual void NoteWritten(uint64_t /*offset*/, uint64_t /*bytes*/) {}

  // A device is about to have the addresses of this part of Memory(): from now on its pages stay
  // what they are. From any thread.
  virtual void PinMemory(uint64_t /*offset*/, uint64_t /*bytes*/) {}

 protected:
  // For Submit: whether `io` is within the store, and isn't a write to what is read-only.
  absl::Status Check(const Io& io) const;
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_STORE_H_
