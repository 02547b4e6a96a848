"""The canary, a fuzz target that must crash, does, and leaves the input that it crashed with."""

import os
import subprocess
import tempfile
import unittest

CANARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'canary_fuzz')


class CanaryTest(unittest.TestCase):

  def fuzz(self, folder, *arguments):
    return subprocess.run([CANARY, *arguments], cwd=folder, text=True, check=False,
                          capture_output=True, errors='replace',
                          env=dict(os.environ, TEST_UNDECLARED_OUTPUTS_DIR=folder))

  def test_short_fuzzing_finds_the_crash(self):
    with tempfile.TemporaryDirectory() as folder:
      run = self.fuzz(folder, '-runs=200000', '-seed=1')
      self.assertNotEqual(run.returncode, 0)
      self.assertIn('the canary sings', run.stderr)
      crash = os.path.join(folder, 'crash-input')
      with open(crash, 'rb') as file:
        self.assertEqual(file.read()[:1], b'!')
      again = self.fuzz(folder, crash)
      self.assertNotEqual(again.returncode, 0)
      self.assertIn('the canary sings', again.stderr)

  def test_without_runs_nothing_is_fuzzed(self):
    with tempfile.TemporaryDirectory() as folder:
      self.assertEqual(self.fuzz(folder, '-runs=0').returncode, 0)


if __name__ == '__main__':
  unittest.main()
