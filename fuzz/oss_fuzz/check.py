"""Runs what build.sh left in a folder as a fuzzing service's runner does.

  python3 fuzz/oss_fuzz/check.py OUT [RUNS]

From a copy elsewhere, in an empty folder, with a bare environment: each fuzz target by its options
and dictionary on its unpacked seeds, and RUNS inputs more (100).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

OF_SYSTEM = ('libc.so', 'libm.so', 'libpthread.so', 'libdl.so', 'librt.so', 'libresolv.so')


def libraries_elsewhere(binary, out):
  """The libraries that a fuzzer takes from the machine instead of from `out`."""
  listed = subprocess.run(['ldd', binary], stdout=subprocess.PIPE, text=True, check=True).stdout
  paths = [line.split()[2] for line in listed.splitlines() if ' => ' in line]
  return [path for path in paths if not path.startswith(os.path.join(out, 'lib', '')) and
          not os.path.basename(path).startswith(OF_SYSTEM)]


def options_of(out, name):
  """Of NAME.options, as arguments."""
  with open(os.path.join(out, name + '.options'), encoding='utf-8') as file:
    pairs = dict(line.strip().split(' = ') for line in file if ' = ' in line)
  if 'dict' in pairs:
    pairs['dict'] = os.path.join(out, pairs['dict'])
    if not os.path.exists(pairs['dict']):
      raise AssertionError(f'{name}: there is no {pairs["dict"]}')
  return [f'-{key}={value}' for key, value in pairs.items()]


def run_one(out, name, runs, folder):
  """The problems of one fuzz target."""
  seeds = os.path.join(folder, name)
  with zipfile.ZipFile(os.path.join(out, name + '_seed_corpus.zip')) as archive:
    archive.extractall(seeds)
  count = len(os.listdir(seeds))
  if count == 0:
    return [f'{name}: no seeds']
  problems = [f'{name}: {path} is not in $OUT/lib'
              for path in libraries_elsewhere(os.path.join(out, name), out)]
  run = subprocess.run(
      [os.path.join(out, name), f'-runs={runs}', '-seed=1', *options_of(out, name), seeds],
      cwd=folder, env={'PATH': '/usr/bin:/bin', 'ASAN_OPTIONS': 'detect_leaks=0'}, text=True,
      errors='replace', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
  if run.returncode != 0:
    problems.append(f'{name}: exit status {run.returncode}\n{run.stdout[-2000:]}')
  return problems


def check(out, runs=100):
  """(names of the fuzz targets, problems)."""
  with tempfile.TemporaryDirectory() as folder:
    moved = os.path.join(folder, 'elsewhere')
    shutil.copytree(out, moved)
    names = sorted(name for name in os.listdir(moved) if name.endswith('_fuzz'))
    work = os.path.join(folder, 'work')
    os.makedirs(work)
    return names, [problem for name in names for problem in run_one(moved, name, runs, work)]


def main():
  if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
  names, problems = check(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100)
  print('\n'.join(problems))
  print(f'{len(names)} fuzz targets, {len(problems)} problems')
  return 1 if problems or not names else 0


if __name__ == '__main__':
  sys.exit(main())
