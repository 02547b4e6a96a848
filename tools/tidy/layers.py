"""The dependency rule: who may include, and depend on, whom.

The two ends of the wire, target and initiator_sim, read the RFCs independently, so that one
misreading can't hide in both; conformance judges any target, so it knows none.
"""

import re

import build_files

# What each top folder may use besides itself.
BOTTOM = {'base', 'proto'}
ENDPOINT = BOTTOM | {'fabric'}
ALLOWED = {
    'base': set(),
    'proto': set(),
    'fabric': {'base'},
    'target': ENDPOINT,
    'initiator_sim': ENDPOINT,
    'conformance': ENDPOINT | {'initiator_sim'},
    'fuzz': ENDPOINT | {'target', 'initiator_sim', 'conformance'},
    'tools': ENDPOINT | {'target', 'initiator_sim', 'conformance', 'fuzz'},
}
# Build support, and data without code, are anybody's.
SUPPORT = {'bazel', 'corpus', 'docs', 'testdata', 'third_party', 'toolchains'}
# proto/pushpull/v1/x.proto is generated as, and included by, pushpull/v1/x.pb.h.
INCLUDE_ROOTS = {'pushpull': 'proto'}

INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def _problem(user, used):
  """Why a file in the top folder `user` may not use one in `used`, or None."""
  if used in SUPPORT or user in SUPPORT or user == used or used in ALLOWED.get(user, ()):
    return None
  return f'{user}/ may not use {used}/'


def _include_problems(tree):
  for path in tree.files('.cc', '.h'):
    user = path.split('/')[0]
    if user in SUPPORT:
      continue
    for number, line in enumerate(tree.lines(path), 1):
      match = INCLUDE.match(line)
      if not match:
        continue
      root, slash, _ = match.group(1).partition('/')
      if not slash or root in ('.', '..'):
        yield f'{path}:{number}: include by the path from the workspace root'
        continue
      used = INCLUDE_ROOTS.get(root, root)
      if used in ALLOWED and _problem(user, used):
        yield f'{path}:{number}: {_problem(user, used)}'


def _dependency_problems(tree):
  for package, problem in build_files.packages(tree):
    if problem:
      yield problem
      continue
    user = package.folder.split('/')[0]
    if not user or user in SUPPORT:
      continue
    if user not in ALLOWED:
      yield f'{package.path}: tools/tidy/layers.py does not say what {user}/ may use'
      continue
    for rule in package.rules:
      for label in package.labels(rule):
        match = re.match(r'//([^/:]+)', label)
        if match and _problem(user, match.group(1)):
          yield f'{package.path}:{rule.line}: {rule.name}: {_problem(user, match.group(1))}'


def check(tree):
  return [*_include_problems(tree), *_dependency_problems(tree)]
