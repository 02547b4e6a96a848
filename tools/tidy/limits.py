"""Files, lines and functions that can be read: no longer than the limits below."""

import os

import functions

MAX_FILE_LINES = 500
MAX_COLUMNS = 100
MAX_FUNCTION_LINES = 70

# Lists of findings, one beside the other.
PROFILES = 'conformance/profiles/'

SUFFIXES = ('.cc', '.h', '.py', '.js', '.bzl', '.proto', '.textproto', '.sh')


def _limited(tree):
  return [f for f in tree.files() if f.endswith(SUFFIXES) or tree.is_script(f)]


def _line_problems(tree):
  for path in _limited(tree):
    count = len(tree.lines(path))
    if count > MAX_FILE_LINES and not path.startswith(PROFILES):
      yield path, f'{path}: {count} lines (at most {MAX_FILE_LINES})'


def _column_problems(tree):
  for path in _limited(tree):
    for number, line in enumerate(tree.lines(path), 1):
      if len(line) > MAX_COLUMNS and 'https://' not in line:
        yield path, f'{path}:{number}: {len(line)} columns (at most {MAX_COLUMNS})'


def _function_problems(tree):
  for path in tree.files('.cc', '.h', '.py'):
    if os.path.splitext(path)[0].endswith('_test'):
      continue  # tables of cases
    find = functions.python_functions if path.endswith('.py') else functions.cpp_functions
    for number, count, name in find(tree.text(path)):
      if count > MAX_FUNCTION_LINES:
        yield path, f'{path}:{number}: {count} lines (at most {MAX_FUNCTION_LINES}): {name}'


def check(tree):
  return (tree.excepted('lines', _line_problems(tree)) +
          tree.excepted('columns', _column_problems(tree)) +
          tree.excepted('function', _function_problems(tree)))
