"""Writes a disk from end to end past the page cache, reads it back, and compares."""

import mmap
import os

from tools.guest import kit

MIB = 1 << 20


def pattern(size):
  """Bytes in which what lies at a wrong offset is noticed: random ones, with a prime period."""
  period = os.urandom(1048573)
  return (period * (size // len(period) + 1))[:size]


def _transfer(path, flags, size, move):
  handle = os.open(path, flags | os.O_DIRECT)
  try:
    with mmap.mmap(-1, MIB) as chunk:  # aligned, as O_DIRECT wants it
      for offset in range(0, size, MIB):
        with memoryview(chunk)[:min(MIB, size - offset)] as piece:
          move(handle, chunk, piece, offset)
  finally:
    os.close(handle)


def write(path, contents):
  def move(handle, chunk, piece, offset):
    chunk[:len(piece)] = contents[offset:offset + len(piece)]
    done = os.pwritev(handle, [piece], offset)
    kit.require(done == len(piece), f'{path}: {done} of {len(piece)} bytes written at {offset}')

  _transfer(path, os.O_WRONLY, len(contents), move)


def compare(path, contents):
  """Reads as many bytes as `contents` has; fails at the first that differs."""
  def move(handle, chunk, piece, offset):
    done = os.preadv(handle, [piece], offset)
    kit.require(done == len(piece), f'{path}: {done} of {len(piece)} bytes read at {offset}')
    if chunk[:done] != contents[offset:offset + done]:
      first = next(i for i in range(done) if chunk[i] != contents[offset + i])
      raise kit.SceneFailed(f'{path}: byte {offset + first} is {chunk[first]:#04x}, and '
                            f'{contents[offset + first]:#04x} was written')

  _transfer(path, os.O_RDONLY, len(contents), move)


def compare_file(path, contents):
  """The same of the file that a target keeps a disk's contents in."""
  with open(path, 'rb') as file, mmap.mmap(file.fileno(), len(contents),
                                           access=mmap.ACCESS_READ) as mapped:
    for offset in range(0, len(contents), MIB):
      kit.require(mapped[offset:offset + MIB] == contents[offset:offset + MIB],
                  f'{path} differs from what was written, behind byte {offset}')


def write_small_pieces(path, contents):
  """Through the page cache, in pieces of odd lengths: the kernel has many commands under way."""
  with open(path, 'r+b', buffering=0) as file:
    offset = 0
    while offset < len(contents):
      piece = contents[offset:offset + 60000 + offset % 9001]
      offset += file.write(piece)
    os.fsync(file.fileno())
