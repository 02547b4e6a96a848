#!/usr/bin/env python3
"""Counts the tests of several Bazel runs, from their build event files.

  tools/test_summary.py NAME:STATUS:FILE...

NAME is the configuration's, STATUS Bazel's exit status, FILE what --build_event_json_file wrote.
Prints each test that failed, with its log, and as the last line "N passed, N failed". A test that
could not be built has failed; so has a run that failed, or ran nothing, for any other reason.
"""

import collections
import json
import sys
import urllib.parse

PASSED = ('PASSED', 'FLAKY')


def read_events(path):
  """The events of a file; none if Bazel died before it wrote any."""
  events = []
  try:
    with open(path, encoding='utf-8') as file:
      for line in file:
        try:
          events.append(json.loads(line))
        except json.JSONDecodeError:
          break  # the end is missing: Bazel was killed
  except FileNotFoundError:
    pass
  return events


class Run:
  """What became of each target of one run."""

  def __init__(self, events):
    self.tests = {}  # label -> status
    self.logs = collections.defaultdict(list)  # label -> logs of failures
    self.broken = []  # targets that are no tests and were not built
    known_tests = set()
    for event in events:
      identity = event.get('id', {})
      if 'targetConfigured' in identity and 'testSize' in event.get('configured', {}):
        known_tests.add(identity['targetConfigured']['label'])
      elif 'testSummary' in identity:
        self._add_summary(identity['testSummary']['label'], event)
      elif 'targetCompleted' in identity and not event.get('completed', {}).get('success'):
        self.broken.append(identity['targetCompleted']['label'])
    for label in known_tests - set(self.tests):
      self.tests[label] = 'NOT BUILT'
    self.broken = sorted(set(self.broken) - set(self.tests))

  def _add_summary(self, label, event):
    summary = event.get('testSummary', {})
    self.tests[label] = summary.get('overallStatus', 'NO STATUS')
    self.logs[label] += [urllib.parse.unquote(urllib.parse.urlparse(log['uri']).path)
                         for log in summary.get('failed', [])]

  def failures(self):
    """(label, what, logs) of each test that did not pass, and of each target not built."""
    failed = [(label, status, self.logs[label])
              for label, status in sorted(self.tests.items()) if status not in PASSED]
    return failed + [(label, 'NOT BUILT', []) for label in self.broken]

  def passed(self):
    return sum(status in PASSED for status in self.tests.values())


def summarize(runs, out):
  """Prints what failed in the runs, (name, exit status, events) each, and the count.

  Returns whether all passed.
  """
  passed = failed = 0
  for name, status, events in runs:
    run = Run(events)
    failures = run.failures()
    for label, what, logs in failures:
      print(f'{what}: {label} ({name})', *logs, sep='\n  ', file=out)
    if not failures and status != 0:
      failures = [name]
      print(f'FAILED: the run {name} as a whole: bazel exited with {status}', file=out)
    elif not failures and not run.tests:
      failures = [name]
      print(f'FAILED: {name} ran no test', file=out)
    passed += run.passed()
    failed += len(failures)
  if not runs:
    failed = 1
  print(f'{passed} passed, {failed} failed', file=out)
  return failed == 0


def main():
  runs = []
  for argument in sys.argv[1:]:
    name, status, path = argument.split(':', 2)
    runs.append((name, int(status), read_events(path)))
  sys.exit(0 if summarize(runs, sys.stdout) else 1)


if __name__ == '__main__':
  main()
