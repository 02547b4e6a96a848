"""Runs bench_scale and bench_target as their scripts do: what the programs print has to be read."""

import os
import subprocess
import sys
import tempfile
import unittest

from tools.peers import harness


class ShortRunTest(unittest.TestCase):

  def run_module(self, name, *arguments):
    """(what it printed, the names of the files that it wrote)."""
    with tempfile.TemporaryDirectory() as folder:
      done = subprocess.run(
          [sys.executable, '-m', f'tools.speed.{name}', '--program', harness.pushpull_binary(),
           '--rounds', '1', '--out', os.path.join(folder, 'out'), *arguments],
          check=False, capture_output=True, text=True,
          env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)})
      self.assertEqual(done.returncode, 0, done.stderr)
      return done.stdout, sorted(os.listdir(folder))

  def test_scale(self):
    out, files = self.run_module('bench_scale', '--seconds', '0.1', '--sessions', '1,2', '--luns',
                                 '1,3')
    self.assertRegex(out, r'(?s)\| sessions \|.*\n\| 1 \| \d+ .*\n\| 2 \| \d+ ')
    self.assertRegex(out, r'(?s)\| luns \|.*\n\| 1 \| \d+ .*\n\| 3 \| \d+ ')
    self.assertEqual(files, ['out.csv', 'out_memory.svg', 'out_rate.svg'])

  def test_beside_tgtd(self):
    # Each measurement of iscsi-perf takes a second, which is the least that it can.
    out, files = self.run_module('bench_target', '--only', '4 KiB, depth 32', '--size-mib', '64',
                                 '--targets', 'tgtd,ram')
    for load in ('iscsi-perf, read', 'qemu-img, read', 'qemu-img, write'):
      self.assertRegex(out, rf'\n\| {load} 4 KiB, depth 32 \| \d+ \| [0-9.]+ \| [0-9.]+ ')
    self.assertEqual(files, ['out.csv', 'out_cpu.svg', 'out_rate.svg'])


if __name__ == '__main__':
  unittest.main()
