"""Nothing written is left out: tests, fuzz targets, cases, corpora are in some BUILD.bazel file."""

import collections
import fnmatch
import os

import build_files


def _registrations(tree):
  """(file -> kinds of the rules that name it, problems)."""
  kinds = collections.defaultdict(set)
  problems = []
  for package, problem in build_files.packages(tree):
    if problem:
      problems.append(problem)
      continue
    for rule in package.rules:
      for file in package.files(rule, 'srcs', 'data', 'main'):
        kinds[file].add(rule.kind)
      if rule.kind.endswith('_test') and 'manual' in rule.attributes.get('tags', ()):
        problems.append(f'{package.path}:{rule.line}: {rule.name} is manual: nothing runs it')
  return kinds, problems


def check(tree):
  kinds, problems = _registrations(tree)
  for path in tree.files():
    name = os.path.basename(path)
    if fnmatch.fnmatch(name, '*_test.cc') or fnmatch.fnmatch(name, '*_test.py') or \
        fnmatch.fnmatch(name, '*_test.sh'):
      if not any(kind.endswith('_test') for kind in kinds[path]):
        problems.append(f'{path}: no test in a {build_files.BUILD} has it in srcs')
    elif fnmatch.fnmatch(path, 'fuzz/*_fuzz.cc'):
      if 'cc_fuzz_test' not in kinds[path]:
        problems.append(f'{path}: no cc_fuzz_test in a {build_files.BUILD} has it in srcs')
    elif fnmatch.fnmatch(path, 'conformance/suites/*.textproto') or \
        fnmatch.fnmatch(path, 'corpus/*/*'):
      if not kinds[path]:
        problems.append(f'{path}: no rule in a {build_files.BUILD} has it in srcs or data')
  return problems
