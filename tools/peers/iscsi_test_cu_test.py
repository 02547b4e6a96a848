"""Families of libiscsi's test suite against the reference target.

The tool may end with 0 although a test failed or a login did: what it prints is what counts.
"""

import re
import unittest

from tools.peers import harness


class IscsiTestCuTest(unittest.TestCase):

  def play(self, family):
    with harness.reference_target('--lun', 'ram:256M') as uri:
      output = harness.run('iscsi-test-cu', '--dataloss', f'--test={family}',
                           harness.libiscsi_url(uri), ok=range(256))
    # The columns are: total, run, passed, failed.
    tests = re.search(r'\n +tests +(\d+) +(\d+) +(\d+) +(\d+)', output)
    asserts = re.search(r'\n +asserts +(\d+) +(\d+) +(\d+) +(\d+)', output)
    self.assertIsNotNone(tests, output)
    self.assertIsNotNone(asserts, output)
    total, ran, passed, failed = map(int, tests.groups())
    self.assertGreater(ran, 0, output)
    self.assertEqual((ran, passed, failed), (total, total, 0), output)
    self.assertGreater(int(asserts.group(2)), 0, output)


def add(family):
  def test(self):
    self.play(family)
  setattr(IscsiTestCuTest, 'test_' + family.replace('.', '_'), test)


for one in ('ALL.Read10', 'ALL.Write10', 'ALL.Inquiry', 'ALL.ReadCapacity16', 'ALL.iSCSIcmdsn',
            'ALL.iSCSIdatasn', 'ALL.iSCSIResiduals', 'ALL.iSCSITMF'):
  add(one)

if __name__ == '__main__':
  unittest.main()
