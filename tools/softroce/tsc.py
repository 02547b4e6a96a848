"""The rate of this processor's time stamp counter, which a guest in emulation reads as its own.

A guest that is left to measure it may be off by any factor where this machine is busy, and then its
clock runs as wrong: what has ten seconds has two, or fifty.
"""

import ctypes
import mmap
import platform
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
READ = b'\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3'
MEASURE_S = 0.05
ATTEMPTS = 50


def khz():
  """0 where it can't be read."""
  if platform.machine() != 'x86_64':
    return 0
  try:
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
  except OSError:
    return 0
  code.write(READ)
  read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
  from_ns, from_ticks = _both(read)
  time.sleep(MEASURE_S)
  to_ns, to_ticks = _both(read)
  return round((to_ticks - from_ticks) * 1e6 / (to_ns - from_ns))


def _both(read):
  """Time and counter at one moment: of several attempts the one that was least interrupted."""
  best = None
  for _ in range(ATTEMPTS):
    before = time.monotonic_ns()
    ticks = read()
    after = time.monotonic_ns()
    if best is None or after - before < best[0]:
      best = (after - before, (before + after) // 2, ticks)
  return best[1:]
