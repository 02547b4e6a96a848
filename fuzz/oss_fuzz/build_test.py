"""build.sh keeps its contract: what it asks of Bazel, and that what it leaves in $OUT runs."""

import os
import subprocess
import tempfile
import unittest

import check

HERE = os.path.dirname(os.path.abspath(__file__))
# Remembers how it was called; what it would build is built already.
BAZEL = '''#!/bin/bash
if [[ $1 == info ]]; then echo "$BIN"; exit; fi
printf '%s\\n' "$@" >"$CALLS"
'''


class BuildTest(unittest.TestCase):

  def setUp(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = folder.name
    self.out = os.path.join(self.folder, 'out')
    self.calls = os.path.join(self.folder, 'calls')
    bazel = os.path.join(self.folder, 'bazel')
    with open(bazel, 'w', encoding='utf-8') as file:
      file.write(BAZEL)
    os.chmod(bazel, 0o700)
    self.environment = dict(
        os.environ, BAZEL=bazel, BIN=os.path.dirname(os.path.dirname(HERE)), CALLS=self.calls,
        OUT=self.out, CC='clang', CXX='clang++', CFLAGS='-O1 -fsanitize=address',
        CXXFLAGS='-O1 -fsanitize=address -stdlib=libc++', LIB_FUZZING_ENGINE='-fsanitize=fuzzer')

  def build(self, *names, **changed):
    return subprocess.run([os.path.join(HERE, 'build.sh'), *names], text=True, check=False,
                          env=dict(self.environment, **changed), capture_output=True)

  def test_what_it_leaves_runs_elsewhere(self):
    run = self.build('pdu_fuzz', 'text_fuzz')
    self.assertEqual(run.returncode, 0, run.stderr)
    names, problems = check.check(self.out)
    self.assertEqual(names, ['pdu_fuzz', 'text_fuzz'])
    self.assertEqual(problems, [])
    self.assertTrue(os.path.exists(os.path.join(self.out, 'text_fuzz.dict')))

  def test_what_is_missing_is_seen(self):
    self.assertEqual(self.build('text_fuzz').returncode, 0)
    library = sorted(name for name in os.listdir(os.path.join(self.out, 'lib'))
                     if name.startswith('libabsl'))[0]
    os.remove(os.path.join(self.out, 'lib', library))
    _, problems = check.check(self.out)
    self.assertIn(library, problems[0])
    os.remove(os.path.join(self.out, 'text_fuzz.dict'))
    with self.assertRaises(AssertionError):
      check.check(self.out)

  def test_bazel_gets_the_environment(self):
    self.assertEqual(self.build('pdu_fuzz').returncode, 0)
    with open(self.calls, encoding='utf-8') as file:
      words = file.read().split()
    for word in ('--config=clusterfuzz', '--conlyopt=-fsanitize=address',
                 '--cxxopt=-fsanitize=address', '--linkopt=-fsanitize=address',
                 '--define=LIB_FUZZING_ENGINE=-fsanitize=fuzzer', '//fuzz:pdu_fuzz',
                 '//fuzz:pdu_fuzz_package'):
      self.assertIn(word, words)
    self.assertNotIn('--cxxopt=-stdlib=libc++', words)

  def test_without_names_all_are_built(self):
    self.build()  # not all of them are there to be copied
    with open(self.calls, encoding='utf-8') as file:
      words = file.read().split()
    for name in ('pdu_fuzz', 'rx_fuzz', 'session_fuzz'):
      self.assertIn('//fuzz:' + name, words)

  def test_what_is_not_set_is_named(self):
    run = self.build(LIB_FUZZING_ENGINE='')
    self.assertNotEqual(run.returncode, 0)
    self.assertIn('$LIB_FUZZING_ENGINE', run.stderr)


if __name__ == '__main__':
  unittest.main()
