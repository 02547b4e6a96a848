"""The suites against tgt's daemon: every case has a verdict, as its profile expects."""

import json
import os
import unittest

from tools.peers import harness
from tools.peers import tgtd

PROFILE = 'conformance/profiles/tgt.textproto'


class TgtdTest(unittest.TestCase):

  def test_suites_end_as_the_profile_expects(self):
    out = os.path.join(harness.scratch(), 'results')
    with tgtd.serving() as uri:
      output = harness.run_pushpull('run', '--target', uri, '--allow-writes', '--profile',
                                    harness.data_file(PROFILE), '--out', out,
                                    '--step-timeout-s', '3', ok=range(256))
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      run = json.load(file)
    self.assertEqual(run.get('exit_code', 0), 0, output)
    self.assertGreater(len(run['result']), 60)
    for case in run['result']:
      self.assertIn('verdict', case, case['id'])
      self.assertNotEqual(case['verdict'], 'ERROR', case)


if __name__ == '__main__':
  unittest.main()
