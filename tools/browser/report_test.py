"""report.html in a real browser: see report_test.mjs."""

import os
import subprocess
import unittest

from tools.peers import harness

CHROMIUM = '/usr/bin/chromium'


def playwright():
  cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
  return os.path.join(cache, 'pushpull/browser/node_modules/playwright-core')


class ReportTest(unittest.TestCase):

  def test_a_reader_finds_his_way(self):
    for needed in (CHROMIUM, playwright()):
      self.assertTrue(os.path.exists(needed), f'{needed} is missing: tools/install --browser')
    folder = harness.scratch()
    out = os.path.join(folder, 'out')
    # Some fail, most don't.
    harness.run_pushpull('run', '--target', 'embedded-sim:', '--bug', 'r2t_sn_repeats', '--only',
                         'login/*', '--only', 'nop/*', '--only', 'write/*', '--out', out, ok=(1,))
    shots = os.environ.get('TEST_UNDECLARED_OUTPUTS_DIR', folder)
    done = subprocess.run(['node', harness.data_file('tools/browser/report_test.mjs'),
                           playwright(), os.path.join(out, 'report.html'), shots],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=harness.LIMIT_S, check=False,
                          env={**os.environ, 'HOME': folder, 'CHROMIUM': CHROMIUM})
    self.assertEqual(done.returncode, 0, done.stdout)
    for width in (1280, 400):
      self.assertGreater(os.path.getsize(os.path.join(shots, f'report_{width}.png')), 10000)


if __name__ == '__main__':
  unittest.main()
