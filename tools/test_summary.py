#!/usr/bin/env python3
"""Counts the tests of several Bazel runs, from their build event files.

  tools/test_summary.py NAME:STATUS:FILE...

NAME is the configuration's, STATUS Bazel's exit status, FILE what --build_event_json_file wrote.
Prints each test that failed, with its log, and as the last line "N passed, N failed". A test that
could not be built has failed; so has a run that failed, or ran nothing, for any other reason. One
whose log has a line "SKIPPED: WHY" is printed with that, and hasn't passed.
"""

import collections
import json
import sys
import urllib.parse

PASSED = ('PASSED', 'FLAKY')
SKIPPED = 'SKIPPED: '


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


def paths(logs):
  """The files of a list of a test's summary."""
  return [urllib.parse.unquote(urllib.parse.urlparse(log['uri']).path) for log in logs]


def why_skipped(path):
  """What a log says of why the test was skipped; empty where it wasn't."""
  try:
    with open(path, encoding='utf-8', errors='replace') as file:
      return next((line[len(SKIPPED):].strip() for line in file if line.startswith(SKIPPED)), '')
  except OSError:
    return ''


class Run:
  """What became of each target of one run."""

  def __init__(self, events):
    self.tests = {}  # label -> status
    self.logs = collections.defaultdict(list)  # label -> logs of failures
    self.skipped = {}  # label -> why
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
    self.logs[label] += paths(summary.get('failed', []))
    why = next(filter(None, map(why_skipped, paths(summary.get('passed', [])))), '')
    if why:
      self.skipped[label] = why

  def failures(self):
    """(label, what, logs) of each test that did not pass, and of each target not built."""
    failed = [(label, status, self.logs[label])
              for label, status in sorted(self.tests.items()) if status not in PASSED]
    return failed + [(label, 'NOT BUILT', []) for label in self.broken]

  def passed(self):
    return sum(status in PASSED and label not in self.skipped
               for label, status in self.tests.items())


def summarize(runs, out):
  """Prints what failed in the runs, (name, exit status, events) each, and the count.

  Returns whether all passed.
  """
  passed = failed = 0
  for name, status, events in runs:
    run = Run(events)
    failures = run.failures()
    for label, why in sorted(run.skipped.items()):
      print(f'SKIPPED: {label} ({name})', why, sep='\n  ', file=out)
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
