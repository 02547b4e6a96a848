"""Measures which lines the corpora of the fuzz targets reach; tools/fuzz_bench --coverage calls it.

Lines of planted defects don't count: no corpus may reach them.
"""

import collections
import json
import os
import re
import subprocess
import tempfile

LLVM = '/usr/lib/llvm-19/bin/'
# Name, folders of it, due percentage.
AREAS = (
    ('receive machine', ('target/rx/',), 98),
    ('codecs', ('target/pdu/', 'initiator_sim/pdu/'), 98),
    ('login', ('target/login/', 'target/negotiation/'), 95),
    ('session', ('target/session/',), 95),
    ('iSER', ('target/iser/', 'initiator_sim/iser/'), 90),
    ('SCSI', ('target/scsi/',), 90),
)
TESTING = re.compile(r'_(test|testing|benchmark)\.(cc|h)$')
DEFECT = re.compile(r'\bif \(.*\bBug::k')


def defect_lines(text):
  """The numbers of the lines that only a planted defect reaches."""
  lines, left = set(), 0
  opened = False  # within a defect's condition or block
  for number, line in enumerate(text.splitlines(), 1):
    if not opened and DEFECT.search(line) and '!' not in line.split('Bug::')[0]:
      opened, left = True, 0
      left += line.count('{') - line.count('}')
      if line.rstrip().endswith(';') or (left == 0 and '{' in line):
        opened = False
      continue
    if opened:
      lines.add(number)
      left += line.count('{') - line.count('}')
      if left <= 0 and line.rstrip().endswith((';', '}')):
        opened = False
  return lines


def lines_of(segments):
  """{line: count} of a file, from llvm-cov's segments.

  Those are (line, column, count, counted, entry, gap). As llvm-cov tells it, a line has the highest
  count of the regions that begin in it, or else that of the region around it.
  """
  counts = {}
  around = None
  by_line = collections.defaultdict(list)
  for segment in segments:
    by_line[segment[0]].append(segment)
  if not by_line:
    return counts
  for line in range(min(by_line), max(by_line) + 1):
    begun = [s for s in by_line[line] if s[3] and s[4] and not (len(s) > 5 and s[5])]
    if begun:
      counts[line] = max([s[2] for s in begun] + ([around[2]] if around and around[3] else []))
    elif around is not None and around[3] and not (len(around) > 5 and around[5]):
      counts[line] = around[2]
    if by_line[line]:
      around = by_line[line][-1]
  return counts


def profile(binaries, corpora, fuzzers, folder):
  """Plays each corpus once. What all of them reached together."""
  raw = []
  for fuzzer in fuzzers:
    path = os.path.join(folder, fuzzer + '.profraw')
    subprocess.run(
        [os.path.join(binaries, fuzzer), '-runs=0',
         os.path.join(corpora, fuzzer.removesuffix('_fuzz'))],
        env=dict(os.environ, LLVM_PROFILE_FILE=path), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=True)
    raw.append(path)
  merged = os.path.join(folder, 'all.profdata')
  subprocess.run([LLVM + 'llvm-profdata', 'merge', '-sparse', '-o', merged, *raw], check=True)
  return merged


def export(binaries, fuzzers, merged):
  objects = [argument for fuzzer in fuzzers[1:]
             for argument in ('-object', os.path.join(binaries, fuzzer))]
  run = subprocess.run([LLVM + 'llvm-cov', 'export', '-skip-functions', '-skip-expansions',
                        '-instr-profile', merged, os.path.join(binaries, fuzzers[0]), *objects],
                       stdout=subprocess.PIPE, check=True, text=True)
  return json.loads(run.stdout)['data'][0]['files']


def tree_path(name):
  """A path of the tree, of whatever path the compiler was given."""
  for _, folders, _ in AREAS:
    for folder in folders:
      at = ('/' + name).find('/' + folder)
      if at >= 0:
        return name[at:]
  return None


def measure(root, files):
  """{path: (lines, lines that weren't reached)} of the areas' files."""
  result = {}
  for file in files:
    path = tree_path(file['filename'])
    if path is None or TESTING.search(path) or not os.path.exists(os.path.join(root, path)):
      continue
    with open(os.path.join(root, path), encoding='utf-8') as source:
      skipped = defect_lines(source.read())
    counts = {line: count for line, count in lines_of(file['segments']).items()
              if line not in skipped}
    result[path] = (set(counts), {line for line, count in counts.items() if count == 0})
  return result


def ranges(lines):
  """"3-5 9" of {3, 4, 5, 9}."""
  text, ordered = [], sorted(lines)
  while ordered:
    first = last = ordered.pop(0)
    while ordered and ordered[0] == last + 1:
      last = ordered.pop(0)
    text.append(f'{first}-{last}' if last > first else str(first))
  return ' '.join(text)


def table(covered):
  lines = ['| area | lines | reached | due |', '|---|---|---|---|']
  for area, folders, due in AREAS:
    of_area = [value for path, value in covered.items() if path.startswith(folders)]
    count = sum(len(all_lines) for all_lines, _ in of_area)
    missed = sum(len(missing) for _, missing in of_area)
    percent = 100 * (count - missed) / count if count else 0
    lines.append(f'| {area} | {count} | {percent:.1f} % | {due} % |')
  return '\n'.join(lines) + '\n'


def run(root, binaries, out):
  """Writes coverage.md and missed.txt into `out`, and prints the table."""
  corpora = os.path.join(root, 'corpus')
  fuzzers = sorted(name for name in os.listdir(binaries)
                   if name.endswith('_fuzz') and
                   os.path.isdir(os.path.join(corpora, name.removesuffix('_fuzz'))))
  with tempfile.TemporaryDirectory() as folder:
    merged = profile(binaries, corpora, fuzzers, folder)
    covered = measure(root, export(binaries, fuzzers, merged))
  os.makedirs(out, exist_ok=True)
  text = table(covered)
  with open(os.path.join(out, 'coverage.md'), 'w', encoding='utf-8') as file:
    file.write(text)
  with open(os.path.join(out, 'missed.txt'), 'w', encoding='utf-8') as file:
    for path, (lines, missing) in sorted(covered.items()):
      if missing:
        file.write(f'{path}: {len(missing)} of {len(lines)}: {ranges(missing)}\n')
  print(text, end='')
  print(f'what is never reached: {out}/missed.txt')
