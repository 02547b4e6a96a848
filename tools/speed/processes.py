"""The targets that are measured, as processes on loopback, and what Linux says of them."""

import contextlib
import glob
import os
import subprocess

from tools.peers import harness, tgtd


def cpu_ns(pid):
  """Processor time of all threads. /proc/PID/stat has the same, in ticks of 10 ms."""
  total = 0
  for path in glob.glob(f'/proc/{pid}/task/*/schedstat'):
    with contextlib.suppress(OSError), open(path, encoding='ascii') as file:
      total += int(file.read().split()[0])
  return total


def status_kib(pid, field):
  """VmRSS is what it has in memory, VmHWM the most that it ever had."""
  with open(f'/proc/{pid}/status', encoding='ascii') as file:
    for line in file:
      if line.startswith(f'{field}:'):
        return int(line.split()[1])
  raise AssertionError(f'no process {pid}')


class Served:
  """A LUN of a process that serves it."""

  def __init__(self, name, uri, lun, pid, size_bytes):
    self.name = name
    self.uri = uri
    self.lun = lun
    self.pid = pid
    self.size_bytes = size_bytes

  def url(self):
    """As libiscsi and QEMU write it."""
    return harness.libiscsi_url(self.uri, self.lun)


@contextlib.contextmanager
def reference_target(program, *arguments):
  """(URI, process number) of `pushpull target`."""
  command = [program, 'target', '--listen', 'tcp://127.0.0.1:0', *arguments]
  with harness.process(*command, stdout=subprocess.PIPE, text=True) as child:
    line = harness.read_line(child)
    if not line.startswith('ready '):
      raise AssertionError(f'not a ready line: {line}')
    yield line.split()[1], child.pid


@contextlib.contextmanager
def side_by_side(program, size_mib, folder, extra=()):
  """tgtd with a file in `folder`, and ours with ram:, file: and null:, at the same time."""
  with contextlib.ExitStack() as stack:
    tgt_folder = os.path.join(folder, 'tgt')
    os.makedirs(tgt_folder)
    uri, pid = stack.enter_context(tgtd.daemon(tgt_folder, size_mib))
    served = [Served('tgtd', uri, 1, pid, size_mib << 20)]
    disk = os.path.join(folder, 'disk.img')
    with open(disk, 'wb') as file:
      file.truncate(size_mib << 20)
    luns = [('ram', f'ram:{size_mib}M'), ('file', f'file:{disk}'), ('null', f'null:{size_mib}M')]
    words = [word for _, spec in luns for word in ('--lun', spec)]
    uri, pid = stack.enter_context(reference_target(program, *words, *extra))
    served += [Served(name, uri, number, pid, size_mib << 20)
               for number, (name, _) in enumerate(luns)]
    yield served
