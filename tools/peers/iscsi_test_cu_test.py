"""Families of libiscsi's test suite against the reference target.

The tool may end with 0 although a test failed or a login did: what it prints is what counts.
"""

import re
import unittest

from tools.peers import harness

# Failures that are the tool's own mistakes: test, and why.
MISTAKES = {}


class IscsiTestCuTest(unittest.TestCase):

  def play(self, family):
    with harness.reference_target('--lun', 'ram:256M') as uri:
      output = harness.run('iscsi-test-cu', '--dataloss', f'--test={family}',
                           harness.libiscsi_url(uri), ok=range(256))
    tests = re.findall(r'Test: (\w+) \.\.\.(?:.*?)(passed|FAILED)', output, re.DOTALL)
    self.assertTrue(tests, output)
    for name, outcome in tests:
      if name not in MISTAKES:
        self.assertEqual(outcome, 'passed', f'{family}.{name}\n{output}')
    summary = re.search(r'tests +\d+ +(\d+) +(\d+) +(\d+)', output)
    self.assertIsNotNone(summary, output)
    self.assertGreater(int(summary.group(1)), 0, output)


def add(family):
  def test(self):
    self.play(family)
  setattr(IscsiTestCuTest, 'test_' + family.replace('.', '_'), test)


for one in ('ALL.Read10', 'ALL.Write10', 'ALL.Inquiry', 'ALL.ReadCapacity16', 'ALL.iSCSIcmdsn',
            'ALL.iSCSIdatasn', 'ALL.iSCSIResiduals', 'ALL.iSCSITMF'):
  add(one)

if __name__ == '__main__':
  unittest.main()
