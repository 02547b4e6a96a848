"""Measures which lines the corpora of the fuzz targets reach; tools/fuzz_bench --coverage calls it.

What no right program reaches doesn't count: planted defects, what follows a CHECK(false), and
operators that print for the tests' messages alone.
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
# Tests, and files that hold nothing but planted defects.
NOT_COUNTED = re.compile(r'_(test|testing|benchmark|defects|faults)\.(cc|h)$')
STATE = re.compile(r'^STATE (login|full feature): (\w+)[^\n>]*-> (\w+)', re.MULTILINE)
PHASES = ('login', 'full feature')
# All opcodes that RFC 7143 assigns, in their order, and what has another one.
KINDS = ('nop_out', 'scsi_command', 'task_management_request', 'login_request', 'text_request',
         'data_out', 'logout_request', 'snack_request', 'nop_in', 'scsi_response',
         'task_management_response', 'login_response', 'text_response', 'data_in',
         'logout_response', 'r2t', 'async_message', 'reject', 'raw')
NEVER = re.compile(r'\bCHECK\(false\)')
PRINTS = re.compile(r'std::ostream& operator<<')
# Above a function that nothing but a planted defect calls.
OF_DEFECT = re.compile(r'^(\s*)// .*(\bBug::k|\b[Ff]or a defect|\ba defect lets\b)')
# faults_: those of the receive machine.
DEFECT = re.compile(r'\bif \(.*(\bBug::k|\bfaults_\.\w+\(\))')


def defect_lines(text):
  """The numbers of the lines that only a planted defect reaches."""
  lines, left = set(), 0
  opened = False  # within a defect's condition or block
  for number, line in enumerate(text.splitlines(), 1):
    if not opened and DEFECT.search(line) and '!' not in re.split(r'Bug::|faults_', line)[0]:
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


def defect_functions(text):
  """The numbers of the lines of functions whose comment says that they are a defect's."""
  numbers, all_lines = set(), text.splitlines()
  for number, line in enumerate(all_lines):
    comment = OF_DEFECT.match(line)
    if not comment:
      continue
    at = number + 1
    while at < len(all_lines) and all_lines[at].lstrip().startswith('//'):
      at += 1
    head = at
    while at < len(all_lines) and not all_lines[at].rstrip().endswith(('{', ';', '}')):
      at += 1
    if at == len(all_lines) or not all_lines[at].rstrip().endswith('{'):
      continue
    # What is defined within a function, or opens a block there, is no function.
    if re.match(r'\s*(if|for|while|switch|else|case|struct|class|enum)\b', all_lines[head]):
      continue
    end = at
    while end < len(all_lines) and all_lines[end] != comment[1] + '}':
      end += 1
    numbers.update(range(head + 1, end + 2))
  return numbers


def unreachable_lines(text):
  """The numbers of the lines that no right program reaches, or that only tests do."""
  numbers, all_lines = set(), text.splitlines()
  for number, line in enumerate(all_lines, 1):
    if PRINTS.search(line):
      end = number
      while end < len(all_lines) and all_lines[end - 1] != '}' and '{ return' not in line:
        end += 1
      numbers.update(range(number, end + 1))
    if not NEVER.search(line):
      continue
    numbers.add(number)
    if number > 1 and all_lines[number - 2].strip() == 'default:':
      numbers.add(number - 1)
    # What the compiler wants behind it.
    after = number
    while after < len(all_lines) and not all_lines[after - 1].rstrip().endswith(';'):
      after += 1
      numbers.add(after)
    if after < len(all_lines) and re.match(r'\s*(return\b.*|break);', all_lines[after]):
      numbers.add(after + 1)
  return numbers


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


def files_of(binary, corpus, folder, states):
  """Plays a corpus once: what llvm-cov tells of the files of that fuzz target.

  Each target by itself, since a function of two programs may have other counters in each. What it
  tells of states (phase, request, outcome) comes into `states`.
  """
  raw, merged = os.path.join(folder, 'raw'), os.path.join(folder, 'merged')
  played = subprocess.run([binary, '-runs=0', corpus], text=True, errors='replace',
                          env=dict(os.environ, LLVM_PROFILE_FILE=raw, PUSHPULL_FUZZ_STATES='1'),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
  states.update(STATE.findall(played.stdout))
  subprocess.run([LLVM + 'llvm-profdata', 'merge', '-o', merged, raw], check=True)
  told = subprocess.run([LLVM + 'llvm-cov', 'export', '-skip-functions', '-skip-expansions',
                         '-instr-profile', merged, binary],
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
  if told.returncode != 0:
    # Of a target that has none of the areas' code there is nothing to tell.
    if 'no coverage data' in told.stderr:
      return []
    raise RuntimeError(told.stderr)
  return json.loads(told.stdout)['data'][0]['files']


def tree_path(name):
  """A path of the tree, of whatever path the compiler was given."""
  for _, folders, _ in AREAS:
    for folder in folders:
      at = ('/' + name).find('/' + folder)
      if at >= 0:
        return name[at:]
  return None


def add(root, files, reached):
  """Adds the areas' files to {path: {line: whether it was reached}}."""
  for file in files:
    path = tree_path(file['filename'])
    if path is None or NOT_COUNTED.search(path) or not os.path.exists(os.path.join(root, path)):
      continue
    if path not in reached:
      reached[path] = {}
    for line, count in lines_of(file['segments']).items():
      reached[path][line] = reached[path].get(line, False) or count > 0


def without_defects(root, reached):
  """{path: (lines, lines that weren't reached)}."""
  result = {}
  for path, lines in reached.items():
    with open(os.path.join(root, path), encoding='utf-8') as source:
      text = source.read()
      skipped = defect_lines(text) | defect_functions(text) | unreachable_lines(text)
    counted = {line for line in lines if line not in skipped}
    result[path] = (counted, {line for line in counted if not lines[line]})
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


def state_table(states):
  """What the target did upon each opcode in each phase."""
  lines = ['| sent | in the login | in the full feature phase |', '|---|---|---|']
  for kind in KINDS:
    cells = [', '.join(sorted({outcome for state, sent, outcome in states
                               if state == phase and sent == kind})) or 'never'
             for phase in PHASES]
    lines.append(f'| {kind} | {cells[0]} | {cells[1]} |')
  return '\n'.join(lines) + '\n'


def run(root, binaries, out):
  """Writes coverage.md and missed.txt into `out`, and prints the table."""
  corpora = os.path.join(root, 'corpus')
  fuzzers = sorted(name for name in os.listdir(binaries)
                   if name.endswith('_fuzz') and
                   os.path.isdir(os.path.join(corpora, name.removesuffix('_fuzz'))))
  reached, states = {}, set()
  for fuzzer in fuzzers:
    corpus = os.path.join(corpora, fuzzer.removesuffix('_fuzz'))
    with tempfile.TemporaryDirectory() as folder:
      files = files_of(os.path.join(binaries, fuzzer), corpus, folder, states)
      add(root, files, reached)
  covered = without_defects(root, reached)
  os.makedirs(out, exist_ok=True)
  text = table(covered) + '\n' + state_table(states)
  with open(os.path.join(out, 'coverage.md'), 'w', encoding='utf-8') as file:
    file.write(text)
  with open(os.path.join(out, 'missed.txt'), 'w', encoding='utf-8') as file:
    for path, (lines, missing) in sorted(covered.items()):
      if missing:
        file.write(f'{path}: {len(missing)} of {len(lines)}: {ranges(missing)}\n')
  print(text, end='')
  print(f'what is never reached: {out}/missed.txt')
