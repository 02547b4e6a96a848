#!/usr/bin/env python3
"""Which of the requirements on targets a case, a rule of the monitor or a unit test names.

Run as a program it prints what names each row for TCP, how many there are, and the others with the
reason why nothing names them (--rows: all of them). As a check it finds rows that nothing names and
that have no reason, reasons that hold no longer, and names of rows that don't exist.

A case and a rule name rows in full. A unit test does so in a comment, where what follows may leave
out what is the same: RFC7143-6.3-e, -g, 9.2-c is RFC7143-6.3-e, RFC7143-6.3-g and RFC7143-9.2-c.
"""

import argparse
import collections
import os
import re
import sys

import tree as trees

CATALOGUE = 'conformance/requirements/'
RULES = 'conformance/monitor/rules.cc'
DEFECTS = 'target/bugs/bug_list.inc'
# Its rows are made up.
CATALOGUE_TEST = 'conformance/requirements/catalogue_test.cc'

_ROW = re.compile(r'\b(RFC\d+)-([0-9A-E][0-9.]*(?:\.\d+)*)-([a-z]+)\b')
_SCSI_ROW = re.compile(r'\b(?:SAM5|SBC3|SPC4)-[a-z0-9_]+-[a-z]+\b')
_NEXT = re.compile(r',(?:\s*\n\s*(?://|#))?\s*([0-9A-E][0-9.]*)?-([a-z]{1,2})\b')
_FIELD = re.compile(r'^  (\w+):((?:\s*"(?:[^"\\]|\\.)*")+|\s*\w+)', re.M)

Row = collections.namedtuple('Row', 'id side transports out_of_reach not_yet path line')


def rows_in(text):
  """The rows that a text names, each once, in order."""
  found = {}
  for match in _ROW.finditer(text):
    rfc, section, letters = match.groups()
    end = match.end()
    while True:
      found.setdefault(f'{rfc}-{section}-{letters}')
      following = _NEXT.match(text, end)
      if not following:
        break
      section = following.group(1) or section
      letters = following.group(2)
      end = following.end()
  return list(found) + list(dict.fromkeys(_SCSI_ROW.findall(text)))


def catalogue(tree):
  """id -> Row of all that the catalogue has."""
  rows = {}
  for path in tree.files('.textproto'):
    if not path.startswith(CATALOGUE):
      continue
    text = tree.text(path)
    for match in re.finditer(r'^requirement \{\n(.*?)^\}', text, re.M | re.S):
      fields = {name: ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', value)) or value.strip()
                for name, value in _FIELD.findall(match.group(1))}
      line = text.count('\n', 0, match.start()) + 1
      rows[fields['id']] = Row(
          fields['id'], fields['side'], fields['transports'], fields.get('out_of_reach', ''),
          fields.get('not_yet', ''), path, line)
  return rows


def _sources(tree):
  """(kind, path, its text that names rows) of each file that does."""
  for path in tree.files('.textproto', '_test.cc', '_test.py', '.inc', '.cc'):
    if path.startswith('conformance/suites/') and path.endswith('.textproto'):
      yield 'cases', path, '\n'.join(re.findall(r'\bcite: "[^"]*"', tree.text(path)))
    elif path == RULES:
      yield 'rules', path, tree.text(path)
    elif path == DEFECTS:
      yield 'defects', path, tree.text(path)
    elif path.endswith(('_test.cc', '_test.py')) and path != CATALOGUE_TEST and \
        not path.startswith('tools/tidy/'):
      yield 'tests', path, tree.text(path)


def named(tree):
  """kind -> row -> the files that name it."""
  by_kind = {kind: collections.defaultdict(list) for kind in ('cases', 'rules', 'tests', 'defects')}
  for kind, path, text in _sources(tree):
    for row in rows_in(text):
      by_kind[kind][row].append(path)
  return by_kind


def _names(by_kind, row):
  """The files that hold a target to this row."""
  return [path for kind in ('cases', 'rules', 'tests') for path in by_kind[kind].get(row, [])]


def check(tree):
  rows = catalogue(tree)
  by_kind = named(tree)
  problems = []
  for kind in by_kind.values():
    for row, paths in kind.items():
      problems += [f'{path}: the catalogue has no {row}' for path in paths if row not in rows]
  for row in rows.values():
    if row.side != 'TARGET_SIDE':
      continue
    names = _names(by_kind, row.id)
    reason = row.out_of_reach or row.not_yet
    where = f'{row.path}:{row.line}: {row.id}'
    if row.out_of_reach and row.not_yet:
      problems.append(f'{where} is both out of reach and not yet there')
    if not names and not reason:
      problems.append(f'{where}: no case, rule or unit test names it (any longer); name it in one, '
                      'or say in out_of_reach or not_yet why none does')
    if names and row.not_yet:
      problems.append(f'{where}: {names[0]} names it, so that not_yet has to go')
  return problems


def report(tree, everything):
  """What the program prints."""
  rows = [row for row in catalogue(tree).values()
          if row.side == 'TARGET_SIDE' and row.transports != 'ISER']
  by_kind = named(tree)
  lines = []
  have = {row.id: _names(by_kind, row.id) for row in rows}
  if everything:
    lines += [f'{row.id}: {", ".join(have[row.id])}' for row in rows if have[row.id]] + ['']
  without = collections.defaultdict(list)
  for row in rows:
    if not have[row.id]:
      without[row.out_of_reach or row.not_yet or 'no reason'].append(row.id)
  count = sum(1 for row in rows if have[row.id])
  lines.append(f'{count} of {len(rows)} requirements on targets over TCP are named: '
               + ', '.join(f'{sum(1 for row in rows if row.id in by_kind[kind])} by {what}'
                           for kind, what in (('cases', 'cases'), ('rules', "the monitor's rules"),
                                              ('tests', 'unit tests'))) + '.')
  if without:
    lines.append(f'The other {len(rows) - count}:')
  for reason, ids in sorted(without.items(), key=lambda item: (-len(item[1]), item[0])):
    lines += [f'  {len(ids)}: {reason}', '     ' + ' '.join(ids)]
  return '\n'.join(lines)


def main():
  parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
  parser.add_argument('--rows', action='store_true', help='each row with what names it, too')
  flags = parser.parse_args()
  here = os.path.dirname(os.path.abspath(__file__))
  tree = trees.Tree(os.path.dirname(os.path.dirname(here)))
  print(report(tree, flags.rows))
  problems = check(tree)
  if problems:
    print('\n'.join(problems), file=sys.stderr)
    sys.exit(1)


if __name__ == '__main__':
  main()
