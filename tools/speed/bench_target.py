"""Drives our target and tgtd in turns: see tools/bench_target."""

import argparse
import os
import shutil
import sys
import tempfile

from tools.speed import figures, loads, processes, svg

BASE = 'tgtd'
# How long one measurement takes, about: many short ones beat few long ones on a busy machine.
SECONDS = 0.4


def arguments():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--program', required=True, help='the pushpull that is measured')
  parser.add_argument('--rounds', type=int, default=15)
  parser.add_argument('--only', default='', help='loads whose name holds this')
  parser.add_argument('--targets', default='', help='of tgtd, ram, file and null: separated by ,')
  parser.add_argument('--size-mib', type=int, default=256)
  parser.add_argument('--target-option', action='append', default=[],
                      help='of `pushpull target`; several times')
  parser.add_argument('--out', default='', help='writes OUT.csv and OUT.svg')
  return parser.parse_args()


def fill(served):
  """Writes all of it once: what was never written is cheaper to read, and QEMU doesn't even ask."""
  for one in served:
    loads.FILL.run(one.url(), one.size_bytes // loads.FILL.size)


def played_on(load, served):
  """QEMU asks for the state of a large read's blocks, and reads none that hold nothing."""
  unread = load.initiator == 'qemu-img' and not load.write and load.size > 4096
  return [one for one in served if not (unread and one.name == 'null')]


def counts_for(kinds, served):
  """How many commands of each load and target take about SECONDS."""
  counts = {}
  for load in kinds:
    for one in played_on(load, served):
      few = 200 if load.size > 4096 else 2000
      rate, _ = load.run(one.url(), few)
      counts[load.name, one.name] = max(few, int(rate * SECONDS))
  return counts


def measure(load, one, count):
  """(commands a second, µs of the target's processor time for each)."""
  before = processes.cpu_ns(one.pid)
  rate, commands = load.run(one.url(), count)
  return rate, (processes.cpu_ns(one.pid) - before) / 1000 / max(commands, 1)


def play(kinds, served, rounds):
  counts = counts_for(kinds, served)
  samples = []
  for number in range(rounds):
    for load in kinds:
      # Each is the first one as often as any other.
      some = played_on(load, served)
      turn = number % len(some)
      for one in some[turn:] + some[:turn]:
        rate, cpu_us = measure(load, one, counts[load.name, one.name])
        samples.append(figures.Sample(number, load.name, one.name, rate, load.megabytes(rate),
                                      cpu_us))
    print(f'round {number + 1} of {rounds}', file=sys.stderr)
  return samples


def plot(samples):
  """Rates and processor time beside the base's, one above the other."""
  others = [name for name in figures.names(samples, 'target') if name != BASE]
  images = []
  for field, title in (('rate', 'commands a second / tgtd (above 1: quicker)'),
                       ('cpu_us', 'processor time of a command / tgtd (below 1: cheaper)')):
    groups = [(load, [figures.ratio(samples, load, name, BASE, field)
                      if figures.values_of(samples, load, name, field) else None
                      for name in others])
              for load in figures.names(samples, 'load')]
    images.append(svg.bars(title, groups, others, 'median and quartiles of rounds'))
  return images


def main():
  options = arguments()
  kinds = [load for load in loads.LOADS if options.only in load.name]
  if not kinds:
    sys.exit(f'no load whose name holds {options.only!r}; there are: ' +
             '; '.join(load.name for load in loads.LOADS))
  # A file there is memory, as nearly as tgtd has it.
  folder = tempfile.mkdtemp(dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
  try:
    with processes.side_by_side(options.program, options.size_mib, folder,
                                options.target_option) as served:
      wanted = options.targets.split(',') if options.targets else [one.name for one in served]
      served = [one for one in served if one.name in wanted]
      samples = play(kinds, served, options.rounds)
  finally:
    shutil.rmtree(folder, ignore_errors=True)
  base = BASE if BASE in wanted else wanted[0]
  print('\n'.join(figures.table(samples, base)))
  if options.out:
    figures.write_csv(f'{options.out}.csv', samples)
    if base == BASE and len(served) > 1:
      for name, image in zip(('rate', 'cpu'), plot(samples)):
        with open(f'{options.out}_{name}.svg', 'w', encoding='utf-8') as file:
          file.write(image)


if __name__ == '__main__':
  main()
