"""Tests of the scripts test and run, in a clone of stand-ins: install and Bazel do nothing."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

# Writes the events of one test, passed or failed; "bazel info" names a folder with a program.
BAZEL = r'''#!/bin/bash
echo "$*" >>"$STATE/calls"
if [[ $1 == info ]]; then echo "$STATE/bin"; exit; fi
for argument; do
  case $argument in
    --build_event_json_file=*) cp "$STATE/events" "${argument#*=}" ;;
  esac
done
exit "$(cat "$STATE/status")"
'''

# Writes its arguments, and says where the report is.
PUSHPULL = r'''#!/bin/bash
echo "$*" >"$STATE/arguments"
echo "report: here"
exit "$(cat "$STATE/pushpull_status")"
'''


class ScriptsTest(unittest.TestCase):

  def setUp(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.state = folder.name
    self.clone = os.path.join(folder.name, 'a clone')
    here = os.path.dirname(os.path.abspath(__file__))
    os.makedirs(os.path.join(self.clone, 'tools/pushpull'))
    for name in ('env.sh', 'run', 'test', 'test_summary.py'):
      shutil.copy(os.path.join(here, name), os.path.join(self.clone, 'tools'))
    self.write('a clone/tools/pushpull/BUILD.bazel', '')
    self.write('a clone/tools/install', '#!/bin/bash\n')
    self.write('bazel', BAZEL)
    self.write('bin/tools/pushpull/pushpull', PUSHPULL)
    self.write('pushpull_status', '0')
    self.bazel_answers(0, 'PASSED')

  def write(self, path, text):
    path = os.path.join(self.state, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
      file.write(text)
    os.chmod(path, 0o755)

  def read(self, name):
    with open(os.path.join(self.state, name), encoding='utf-8') as file:
      return file.read()

  def bazel_answers(self, status, outcome):
    self.write('status', str(status))
    self.write('events', json.dumps({
        'id': {'testSummary': {'label': '//a:t'}}, 'testSummary': {'overallStatus': outcome}}))

  def script(self, name, *arguments):
    """(exit status, lines of standard output) of a script, with neither input nor home."""
    environment = {'PATH': os.environ['PATH'], 'BAZEL': os.path.join(self.state, 'bazel'),
                   'STATE': self.state, 'CI': 'true', 'TMPDIR': self.state}
    result = subprocess.run(
        [os.path.join(self.clone, 'tools', name), *arguments], env=environment, cwd=self.state,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    self.errors = result.stderr.decode()
    return result.returncode, result.stdout.decode().splitlines()

  def test_test_runs_every_configuration(self):
    status, lines = self.script('test')
    self.assertEqual((status, lines), (0, ['4 passed, 0 failed']))
    calls = self.read('calls')
    for configuration in ('--config=gcc', '--config=asan-ubsan', '--config=tsan'):
      self.assertIn(configuration, calls)

  def test_test_quick_and_of_some_targets(self):
    self.assertEqual(self.script('test', '--quick'), (0, ['1 passed, 0 failed']))
    self.assertEqual(self.script('test', '//x/...', '//y'), (0, ['1 passed, 0 failed']))
    self.assertTrue(self.read('calls').endswith(' -- //x/... //y\n'))

  def test_test_says_what_failed(self):
    self.bazel_answers(3, 'FAILED')
    status, lines = self.script('test', '--quick')
    self.assertEqual(status, 1)
    self.assertEqual(lines[0], 'FAILED: //a:t (clang)')
    self.assertEqual(lines[-1], '0 passed, 1 failed')

  def test_test_fails_where_bazel_cannot_start(self):
    os.remove(os.path.join(self.state, 'bazel'))
    status, lines = self.script('test', '--quick')
    self.assertEqual((status, lines[-1]), (1, '0 passed, 1 failed'))

  def test_test_fails_where_nothing_can_be_installed(self):
    self.write('a clone/tools/install', '#!/bin/bash\nexit 1\n')
    self.assertEqual(self.script('test'), (1, ['0 passed, 1 failed']))

  def test_run_ends_with_the_report(self):
    status, lines = self.script('run', '--', '--only', 'login/*')
    self.assertEqual((status, lines), (0, ['report: here']))
    self.assertEqual(self.read('arguments'), 'run --only login/* --out pushpull-results\n')

  def test_run_respects_out_and_passes_the_status_on(self):
    self.write('pushpull_status', '3')
    for out in (['--out', 'there'], ['--out=there']):
      status, lines = self.script('run', *out)
      self.assertEqual((status, lines), (3, ['report: here']))
      self.assertEqual(self.read('arguments'), f'run {" ".join(out)}\n')

  def test_run_goes_on_telling_where_it_is_no_terminal(self):
    self.script('run', '--only', 'nop/*')
    self.assertRegex(self.errors, 'run: building: .* minutes the first time.*\n'
                                  r'run: built; playing: pushpull run --only nop/\* --out ')
    build = next(line for line in self.read('calls').splitlines() if line.startswith('build '))
    told = [word for word in build.split() if 'progress' in word or 'curses' in word]
    self.assertEqual(told, ['--noshow_progress', '--show_progress', '--curses=no',
                            '--show_progress_rate_limit=30'], 'the last word counts')

  def test_run_leaves_the_program_where_it_stays(self):
    self.script('run')
    self.assertTrue(os.path.samefile(os.path.join(self.clone, 'pushpull'),
                                     os.path.join(self.state, 'bin/tools/pushpull/pushpull')))

  def test_run_plays_nothing_where_the_build_failed(self):
    self.bazel_answers(1, 'FAILED')
    self.assertEqual(self.script('run'), (1, []))
    self.assertFalse(os.path.exists(os.path.join(self.state, 'arguments')))


if __name__ == '__main__':
  unittest.main()
