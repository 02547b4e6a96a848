"""Tests of test_summary.py."""

import io
import json
import os
import tempfile
import unittest

import test_summary


def configured(label, test=True):
  return {'id': {'targetConfigured': {'label': label}},
          'configured': {'testSize': 'SMALL'} if test else {}}


def completed(label, success):
  return {'id': {'targetCompleted': {'label': label}},
          'completed': {'success': True} if success else {}}


def summary(label, status, logs=()):
  return {'id': {'testSummary': {'label': label}},
          'testSummary': {'overallStatus': status,
                          'failed': [{'uri': 'file://' + log} for log in logs]}}


def summary_with_log(folder, label, text):
  """That of a test that passed, with such a log."""
  path = os.path.join(folder, 'test.log')
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)
  return {'id': {'testSummary': {'label': label}},
          'testSummary': {'overallStatus': 'PASSED', 'passed': [{'uri': f'file://{path}'}]}}


def lines(*runs):
  """(True if all passed, the lines that summarize prints)."""
  out = io.StringIO()
  ok = test_summary.summarize(runs, out)
  return ok, out.getvalue().splitlines()


PASS = [configured('//a:t'), completed('//a:t', True), summary('//a:t', 'PASSED')]


class TestSummaryTest(unittest.TestCase):

  def test_adds_up_all_runs(self):
    self.assertEqual(lines(('clang', 0, PASS), ('gcc', 0, PASS)), (True, ['2 passed, 0 failed']))

  def test_names_failure_and_log(self):
    events = PASS + [configured('//a:f'), completed('//a:f', True),
                     summary('//a:f', 'TIMEOUT', ['/logs/test%20log'])]
    self.assertEqual(
        lines(('gcc', 3, events)),
        (False, ['TIMEOUT: //a:f (gcc)', '  /logs/test log', '1 passed, 1 failed']))

  def test_skipped_test_has_not_passed(self):
    with tempfile.TemporaryDirectory() as folder:
      events = PASS + [configured('//a:s'), completed('//a:s', True),
                       summary_with_log(folder, '//a:s', 'begins\nSKIPPED: no QEMU\nOK\n')]
      self.assertEqual(lines(('clang', 0, events)),
                       (True, ['SKIPPED: //a:s (clang)', '  no QEMU', '1 passed, 0 failed']))

  def test_other_logs_are_no_skips(self):
    with tempfile.TemporaryDirectory() as folder:
      events = [configured('//a:s'), completed('//a:s', True),
                summary_with_log(folder, '//a:s', 'it is SKIPPED: never\n')]
      self.assertEqual(lines(('clang', 0, events)), (True, ['1 passed, 0 failed']))

  def test_test_that_was_not_built_has_failed(self):
    events = PASS + [configured('//a:b'), completed('//a:b', False)]
    self.assertEqual(lines(('clang', 1, events)),
                     (False, ['NOT BUILT: //a:b (clang)', '1 passed, 1 failed']))

  def test_test_that_is_never_heard_of_again_has_failed(self):
    self.assertEqual(lines(('clang', 1, PASS + [configured('//a:b')])),
                     (False, ['NOT BUILT: //a:b (clang)', '1 passed, 1 failed']))

  def test_target_that_was_not_built_has_failed(self):
    events = PASS + [configured('//a:lib', test=False), completed('//a:lib', False)]
    self.assertEqual(lines(('clang', 1, events)),
                     (False, ['NOT BUILT: //a:lib (clang)', '1 passed, 1 failed']))

  def test_run_that_failed_for_another_reason_has_failed(self):
    self.assertEqual(lines(('clang', 37, PASS)),
                     (False, ['FAILED: the run clang as a whole: bazel exited with 37',
                              '1 passed, 1 failed']))

  def test_no_test_is_no_success(self):
    self.assertEqual(lines(('clang', 0, [])),
                     (False, ['FAILED: clang ran no test', '0 passed, 1 failed']))
    self.assertEqual(lines(), (False, ['0 passed, 1 failed']))

  def test_reads_what_a_killed_bazel_left(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'events.json')
      self.assertEqual(test_summary.read_events(path), [])
      with open(path, 'w', encoding='utf-8') as file:
        file.write(json.dumps(PASS[0]) + '\n{"id": {"testSu')
      self.assertEqual(test_summary.read_events(path), PASS[:1])


if __name__ == '__main__':
  unittest.main()
