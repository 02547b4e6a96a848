#!/usr/bin/env python3
"""Formatting, as clang-format and buildifier have it, and shellcheck.

  tools/tidy/formatting.py --fix     formats the whole clone (tools/format)
"""

import os
import subprocess
import sys

import tree as trees

CLANG_FORMAT = 'clang-format-19'
# Bazel 4's rules are built in; buildifier 8 wants them loaded from rules_cc and others.
WARNINGS_OFF = ['-native-' + rule for rule in (
    'cc-binary', 'cc-common', 'cc-debug-package-info', 'cc-fdo-prefetch-hints', 'cc-fdo-profile',
    'cc-import', 'cc-info', 'cc-library', 'cc-memprof-profile', 'cc-objc-import',
    'cc-objc-library', 'cc-propeller-optimize', 'cc-proto', 'cc-shared-library',
    'cc-shared-library-info', 'cc-test', 'cc-toolchain', 'cc-toolchain-suite', 'proto',
    'proto-common', 'proto-info', 'proto-lang-toolchain', 'proto-lang-toolchain-info', 'py',
    'sh-binary', 'sh-library', 'sh-test')]


def cpp_files(tree):
  return tree.files('.cc', '.h')


def build_files(tree):
  return [f for f in tree.files()
          if f.endswith(('.bzl', '.BUILD')) or os.path.basename(f) in ('BUILD.bazel', 'WORKSPACE')]


def shell_files(tree):
  def is_shell(path):
    return tree.is_script(path) and 'sh' in tree.lines(path)[0].split('/')[-1]
  return [f for f in tree.files() if f.endswith('.sh') or is_shell(f)]


def buildifier():
  """The program: the test's runfile, else where tools/install put it."""
  path = os.environ.get('BUILDIFIER')
  if path:
    return path
  cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
  return os.path.join(cache, 'pushpull/buildifier/buildifier')


def _run(tree, command, files):
  """What a command complains of, run in as many processes as there are cores."""
  if not files:
    return []
  size = -(-len(files) // (os.cpu_count() or 1))
  processes = [
      subprocess.Popen(command + files[i:i + size], cwd=tree.root, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
      for i in range(0, len(files), size)]
  problems = []
  for process in processes:
    output = process.communicate()[0]
    if process.returncode != 0:
      problems.append(output or f'{command[0]} failed with status {process.returncode}')
  return problems


def check(tree):
  warnings = '-warnings=' + ','.join(WARNINGS_OFF)
  return (_run(tree, [CLANG_FORMAT, '--dry-run', '--Werror'], cpp_files(tree)) +
          _run(tree, [buildifier(), '-mode=check', '-lint=warn', warnings], build_files(tree)) +
          _run(tree, ['shellcheck', '--external-sources'], shell_files(tree)))


def fix(tree):
  return (_run(tree, [CLANG_FORMAT, '-i'], cpp_files(tree)) +
          _run(tree, [buildifier(), '-mode=fix'], build_files(tree)))


def main():
  if sys.argv[1:] != ['--fix']:
    sys.exit(__doc__)
  here = os.path.dirname(os.path.abspath(__file__))
  problems = fix(trees.Tree(os.path.dirname(os.path.dirname(here))))
  sys.exit('\n'.join(problems) if problems else 0)


if __name__ == '__main__':
  main()
