"""How throughput and memory grow with sessions and LUNs: see tools/bench_scale."""

import argparse
import collections
import csv
import re
import statistics
import sys

from tools.peers import harness
from tools.speed import processes, svg

SESSIONS = (1, 4, 16, 64, 256, 1024)
LUNS = (1, 16, 256, 1024, 4096, 16384)
SESSIONS_ON_LUNS = 16

# login_us, cpu_us: the target's processor time for a login (and two commands), and for a command.
# idle_kib: the process when it is ready; peak_kib: the most it ever had.
Point = collections.namedtuple('Point',
                               'round sessions luns rate cpu_us login_us idle_kib peak_kib')
SUMMARY = re.compile(r'^(\d+) commands of \d+ bytes by \d+ sessions? in [0-9.]+ s: (\d+) a second',
                     re.MULTILINE)


def sizes(text):
  return [int(size) for size in text.split(',')]


def arguments():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--program', required=True, help='the pushpull that is measured')
  parser.add_argument('--rounds', type=int, default=3)
  parser.add_argument('--seconds', type=float, default=3)
  parser.add_argument('--sessions', type=sizes, default=SESSIONS, help='how many, separated by ,')
  parser.add_argument('--luns', type=sizes, default=LUNS, help='how many, separated by ,')
  parser.add_argument('--target-option', action='append', default=[],
                      help='of `pushpull target`; several times')
  parser.add_argument('--out', default='', help='writes OUT.csv and OUT_*.svg')
  return parser.parse_args()


def summary(text):
  """(commands, commands a second) of what `pushpull load` says."""
  found = SUMMARY.search(text)
  if not found:
    raise AssertionError(f'pushpull load says no rate:\n{text}')
  return int(found.group(1)), int(found.group(2))


def measure(options, number, sessions, luns):
  """One point, of a process of its own. The last LUN is the one that is used."""
  specs = ['null:1M'] * (luns - 1) + ['ram:128M']
  words = [word for spec in specs for word in ('--lun', spec)]
  with processes.reference_target(options.program, *words, *options.target_option) as (uri, pid):
    idle = processes.status_kib(pid, 'VmRSS')

    def load(*words):
      before = processes.cpu_ns(pid)
      text = harness.run(options.program, 'load', '--target', f'{uri}/{luns - 1}',
                         '--allow-writes', '--sessions', str(sessions), '--depth', '2', *words)
      return (processes.cpu_ns(pid) - before) / 1000, *summary(text)

    logins_us = load('--commands', '1')[0]
    cpu_us, commands, rate = load('--seconds', str(options.seconds))
    return Point(number, sessions, luns, rate, (cpu_us - logins_us) / max(commands, 1),
                 logins_us / sessions, idle, processes.status_kib(pid, 'VmHWM'))


def medians(points, field, by):
  """[(sessions or LUNs, median)] of the points in which it varies."""
  groups = collections.defaultdict(list)
  for point in points:
    groups[getattr(point, by)].append(getattr(point, field))
  return sorted((size, statistics.median(values)) for size, values in groups.items())


def table(points, by):
  columns = [dict(medians(points, field, by))
             for field in ('rate', 'cpu_us', 'login_us', 'idle_kib', 'peak_kib')]
  lines = [f'| {by} | commands/s | target, µs a command | µs a login | MiB when ready | '
           'MiB at most |',
           '|---|---|---|---|---|---|']
  for size in sorted(columns[0]):
    rate, cpu_us, login_us, idle, peak = (column[size] for column in columns)
    lines.append(f'| {size} | {rate:.0f} | {cpu_us:.1f} | {login_us:.0f} | {idle / 1024:.1f} | '
                 f'{peak / 1024:.1f} |')
  return lines


def write(path, points, by_sessions, by_luns):
  with open(f'{path}.csv', 'w', encoding='utf-8', newline='') as file:
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(Point._fields)
    for point in points:
      writer.writerow([*point[:4], f'{point.cpu_us:.2f}', f'{point.login_us:.1f}', *point[6:]])
  images = {
      'rate': svg.lines('commands a second', {
          'by sessions': medians(by_sessions, 'rate', 'sessions'),
          f'by LUNs, {SESSIONS_ON_LUNS} sessions': medians(by_luns, 'rate', 'luns'),
      }, 'sessions, or LUNs', ''),
      'memory': svg.lines('memory of the target, at most', {
          'by sessions': [(size, kib / 1024)
                          for size, kib in medians(by_sessions, 'peak_kib', 'sessions')],
          f'by LUNs, {SESSIONS_ON_LUNS} sessions': [
              (size, kib / 1024) for size, kib in medians(by_luns, 'peak_kib', 'luns')],
      }, 'sessions, or LUNs', 'MiB'),
  }
  for name, image in images.items():
    with open(f'{path}_{name}.svg', 'w', encoding='utf-8') as file:
      file.write(image)


def main():
  options = arguments()
  by_sessions, by_luns = [], []
  for number in range(options.rounds):
    by_sessions += [measure(options, number, sessions, 1) for sessions in options.sessions]
    by_luns += [measure(options, number, SESSIONS_ON_LUNS, luns) for luns in options.luns]
    print(f'round {number + 1} of {options.rounds}', file=sys.stderr)
  print('\n'.join(table(by_sessions, 'sessions')))
  print()
  print('\n'.join(table(by_luns, 'luns')))
  if options.out:
    write(options.out, by_sessions + by_luns, by_sessions, by_luns)


if __name__ == '__main__':
  main()
