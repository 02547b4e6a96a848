"""What is done to a target, by initiators that are not ours: iscsi-perf and qemu-img bench."""

import re

from tools.peers import harness

BLOCK = 512
# Each next one is far from the last, and they come around at all blocks of 4 KiB: qemu-img has no
# random order.
SCATTER_BYTES = 37 * (1 << 20) + 4096


def iscsi_perf_rate(text):
  """Commands a second."""
  # It overwrites its line; the last is the average of the whole run.
  found = re.findall(r'^iops average (\d+)', text.replace('\r', '\n'), re.MULTILINE)
  if not found:
    raise AssertionError(f'iscsi-perf says no average:\n{text}')
  return int(found[-1])


def qemu_rate(text, count):
  found = re.search(r'Run completed in ([0-9.]+) seconds', text)
  if not found:
    raise AssertionError(f'qemu-img bench says no time:\n{text}')
  return count / max(float(found.group(1)), 0.001)


class Load:
  """One kind of load. `run` plays it once, and answers (commands a second, commands)."""

  initiator = ''

  def __init__(self, size, depth, write=False):
    unit = f'{size >> 10} KiB'
    self.name = f'{self.initiator}, {"write" if write else "read"} {unit}, depth {depth}'
    self.size = size
    self.depth = depth
    self.write = write

  def megabytes(self, rate):
    return rate * self.size / 1e6


class IscsiPerf(Load):
  """Reads, at random, or in order where they are large. It counts whole seconds only."""

  initiator = 'iscsi-perf'
  seconds = 1

  def run(self, url, _):
    order = ['-r'] if self.size <= 4096 else []
    text = harness.run('iscsi-perf', *order, '-m', str(self.depth), '-b', str(self.size // BLOCK),
                       '-t', str(self.seconds), url)
    rate = iscsi_perf_rate(text)
    return rate, rate * self.seconds


class QemuImg(Load):
  """Reads or writes: scattered, or in order where they are large."""

  initiator = 'qemu-img'

  def run(self, url, count):
    order = ['-w'] if self.write else []
    step = SCATTER_BYTES if self.size <= 4096 else self.size
    text = harness.run('qemu-img', 'bench', *order, '-f', 'raw', '-t', 'none', '-c', str(count),
                       '-d', str(self.depth), '-s', str(self.size), '-S', str(step), url)
    return qemu_rate(text, count), count


LOADS = (
    IscsiPerf(4096, 1),
    IscsiPerf(4096, 32),
    IscsiPerf(131072, 8),
    QemuImg(4096, 1),
    QemuImg(4096, 32),
    QemuImg(4096, 1, write=True),
    QemuImg(4096, 32, write=True),
    QemuImg(131072, 8),
    QemuImg(131072, 8, write=True),
)
FILL = QemuImg(131072, 8, write=True)
