"""Prints what a run of //target/rx:rx_benchmark says, as ratios: bench_ratios.py OUT.json

Of each benchmark the quickest repetition counts, in CPU time: what disturbs a run only slows it.
"""

import json
import sys

BATCH = 16  # PDUs in an iteration


def ns_of(document):
  """CPU nanoseconds of an iteration by name."""
  quickest = {}
  for run in document['benchmarks']:
    if run.get('run_type', 'iteration') != 'iteration':
      continue
    name = run['run_name'] if 'run_name' in run else run['name']
    name = name.removesuffix('/repeats:3')
    quickest[name] = min(run['cpu_time'], quickest.get(name, run['cpu_time']))
  return quickest


def _ratio_lines(ns):
  pull, copy = 'BM_Pull{}/data:{}/digests:{}', 'BM_Copy{}/data:{}/digests:{}'
  rows = [('', 'data', 'working set', 'ns a PDU', 'memcpy alone', 'ratio', 'aim')]
  for digests, what in ((0, 'TCP'), (1, 'TCP, both digests')):
    for size, where, name, aim in ((8192, '1 GiB', 'Cold', '0.9'), (8192, '256 KiB', '', ''),
                                   (262144, '256 KiB', '', '')):
      mine = ns.get(pull.format(name, size, digests))
      bare = ns.get(copy.format(name, size, digests))
      if mine and bare:
        rows.append((what, str(size), where, f'{mine / BATCH:.0f}', f'{bare / BATCH:.0f}',
                     f'{bare / mine:.2f}', aim))
  return rows


def _side_by_side(ns):
  rows = [('data', 'by size, copied', 'as a stream', 'chunks by kind', 'copied / by kind',
           'written: copied', 'written: by kind', 'ratio')]
  sizes = sorted(int(name.rpartition(':')[2]) for name in ns if name.startswith('BM_Push/'))
  for size in sizes:
    names = (f'BM_SizeDriven/data:{size}', f'BM_Pull/data:{size}/digests:0',
             f'BM_Push/data:{size}', f'BM_SizeDrivenWritten/data:{size}',
             f'BM_PushWritten/data:{size}')
    if any(name not in ns for name in names):
      continue
    copied, stream, by_kind, copied_written, by_kind_written = (ns[n] / BATCH for n in names)
    rows.append((str(size), f'{copied:.0f}', f'{stream:.0f}', f'{by_kind:.0f}',
                 f'{copied / by_kind:.2f}', f'{copied_written:.0f}', f'{by_kind_written:.0f}',
                 f'{copied_written / by_kind_written:.2f}'))
  return rows


def _rates(ns):
  rows = [('', 'measured', 'aim')]

  def add(what, name, text, aim=''):
    if name in ns:
      rows.append((what, text(ns[name]), aim))

  add('48-byte PDUs from a stream', 'BM_Pull/data:0/digests:0',
      lambda t: f'{BATCH / t * 1000:.0f} million/s', '20 million/s')
  add('the same with header digests', 'BM_Pull/data:0/digests:1',
      lambda t: f'{BATCH / t * 1000:.0f} million/s')
  add('a pushed PDU without data', 'BM_Push/data:0', lambda t: f'{t / BATCH:.1f} ns', '< 40 ns')
  add('a pushed PDU with 256 KiB', 'BM_Push/data:262144', lambda t: f'{t / BATCH:.1f} ns',
      '< 40 ns')
  add('a PDU through the queue', 'BM_Queue', lambda t: f'{t:.1f} ns')
  add('a PDU through the queue for two threads, and its slot back', 'BM_QueueAcrossThreads',
      lambda t: f'{t:.1f} ns')
  add('deliveries of five PDUs with digests, cut in two', 'BM_Delivery',
      lambda t: f'{1000 / t:.1f} million/s')
  return rows


def table(rows):
  lines = ['| ' + ' | '.join(row) + ' |' for row in rows]
  return [lines[0], '|' + '---|' * len(rows[0])] + lines[1:]


def report(document):
  ns = ns_of(document)
  lines = []
  for rows in (_side_by_side(ns), _ratio_lines(ns), _rates(ns)):
    if len(rows) > 1:
      lines += table(rows) + ['']
  return '\n'.join(lines)


def main():
  if len(sys.argv) != 2:
    sys.exit(__doc__)
  with open(sys.argv[1], encoding='utf-8') as file:
    print(report(json.load(file)), end='')


if __name__ == '__main__':
  main()
