"""How fast Linux's initiator is at our target and at tgt's, side by side over RDMA.

Emulation slows all of it down, so the ratios alone mean something: what takes turns within a
minute on one machine.
"""

import contextlib
import os
import statistics
import subprocess
import time

from tools.guest import kit
from tools.guest import open_iscsi
from tools.guest import scenes_linux
from tools.guest import tgt

ROUNDS = 3
SIZE = 64 << 20
KIB = 1 << 10
# The length of a command, how many there are, and how many at a time.
KINDS = [(length, count, at_once) for length, count in ((4 * KIB, 512), (128 * KIB, 128))
         for at_once in (1, 8)]


def transfer(disk, write, length, count, at_once):
  """Bytes a second of commands past the page cache, each program's in a part of its own."""
  each = count // at_once
  start = time.monotonic()
  children = []
  for part in range(at_once):
    first = part * each
    ends = ([f'of={disk}', 'if=/dev/zero', f'seek={first}', 'oflag=direct'] if write else
            [f'if={disk}', 'of=/dev/null', f'skip={first}', 'iflag=direct'])
    children.append(subprocess.Popen(
        ['dd', *ends, f'bs={length}', f'count={each}', 'conv=notrunc'], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
  for child in children:
    output, _ = child.communicate(timeout=120)
    kit.require(child.returncode == 0, f'dd: {output.decode(errors="replace")}')
  return each * at_once * length / (time.monotonic() - start)


@contextlib.contextmanager
def disks():
  """The disks that are compared, by name; each on a device of its own, of one initiator."""
  address = os.environ['PUSHPULL_RDMA_ADDRESS']
  file = scenes_linux.file_of(SIZE)
  luns = ('--lun', f'ram:{SIZE >> 20}M')
  with contextlib.ExitStack() as stack:
    ours, name = stack.enter_context(
        scenes_linux.serving(f'file:{file}', f'iser://{address}:0', more=luns))
    theirs, _ = stack.enter_context(tgt.serving('/dev/shm/tgt', address, SIZE))
    stack.enter_context(open_iscsi.daemon('iser'))
    sessions = []
    for portal, target in ((ours, name), (f'{address}:{tgt.PORT}', tgt.NAME)):
      open_iscsi.make_record(portal, target, 'iser')
      sessions.append(stack.enter_context(open_iscsi.logged_in(portal, target, {})))
    yield {'file': sessions[0].disk(0), 'ram': sessions[0].disk(1), 'tgt': sessions[1].disk(1)}


def throughput(_):
  with disks() as paths:
    kit.say(paths)
    for path in paths.values():  # what is touched first takes longer
      transfer(path, True, 128 * KIB, SIZE // (128 * KIB), 1)
    rates = {}
    for turn in range(ROUNDS):
      for length, count, at_once in KINDS:
        for write in (False, True):
          # Each is first, second and last as often as the others.
          names = list(paths)
          for name in names[turn:] + names[:turn]:
            rate = transfer(paths[name], write, length, count, at_once)
            rates.setdefault((length, write, at_once), {}).setdefault(name, []).append(rate)
      kit.say(f'round {turn + 1} of {ROUNDS}')
  for line in table(rates):
    print(line, flush=True)


def table(rates):
  yield '| command | at a time | tgt, MB/s | ours, file: | ours, ram: | file: / tgt | ram: / tgt |'
  yield '|---|---|---|---|---|---|---|'
  for (length, write, at_once), by_name in rates.items():
    middle = {name: statistics.median(values) for name, values in by_name.items()}
    ratios = [ratio(by_name[name], by_name['tgt']) for name in ('file', 'ram')]
    yield (f'| {"write" if write else "read"} of {length // KIB} KiB | {at_once} | '
           f'{middle["tgt"] / 1e6:.1f} | {middle["file"] / 1e6:.1f} | {middle["ram"] / 1e6:.1f} | '
           f'{ratios[0]} | {ratios[1]} |')


def ratio(ours, theirs):
  """The median of the rounds' ratios, and between which they lie."""
  each = sorted(our / their for our, their in zip(ours, theirs))
  return f'{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})'
