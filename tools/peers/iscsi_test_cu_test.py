"""libiscsi's test suite, whole, against the reference target.

The tool may end with 0 although a test failed or a login did: what it prints is what counts.
"""

import concurrent.futures
import os
import re
import unittest

from tools.peers import harness

# Mistakes of libiscsi's (docs/TARGET.md tells them).
SANITIZE_RESET = 'Sanitize.Reset'
FAILS = {
    'CompareAndWrite.InvalidDataOutSize': 'more data than the CDB has, and an error expected',
    'CompareAndWrite.Simple': '256 blocks as NUMBER OF LOGICAL BLOCKS 0',
    'CompareAndWrite.Miscompare': 'the same',
    'ExtendedCopy.ValidTgtDescr': 'INVALID FIELD IN CDB for one of the parameter list',
    'GetLBAStatus.UnmapSingle': 'asks for LBA 9, and LBA 8 expected',
    'ReportSupportedOpcodes.OneCommand': 'room for 16 bytes of usage data',
    'WriteSame10.InvalidDataOutSize': 'as CompareAndWrite.InvalidDataOutSize',
    'WriteSame10.UnmapUntilEnd': 'a block of FFh, and zeros expected',
    'WriteSame16.InvalidDataOutSize': 'as CompareAndWrite.InvalidDataOutSize',
}

NOT_REMOVABLE = 'the medium is not removable'
NOT_ENCRYPTED = 'nothing is encrypted: no CRYPTOGRAPHIC ERASE'

SKIPS = {
    'NoMedia.NoMediaSBC': NOT_REMOVABLE,
    'PreventAllow.Simple': NOT_REMOVABLE,
    'PreventAllow.Eject': NOT_REMOVABLE,
    'PreventAllow.ITNexusLoss': NOT_REMOVABLE,
    'PreventAllow.Logout': NOT_REMOVABLE,
    'PreventAllow.WarmReset': NOT_REMOVABLE,
    'PreventAllow.ColdReset': NOT_REMOVABLE,
    'PreventAllow.LUNReset': NOT_REMOVABLE,
    'PreventAllow.2ITNexuses': NOT_REMOVABLE,
    'ReadOnly.ReadOnlySBC': 'the unit is not write-protected',
    'Sanitize.CryptoErase': NOT_ENCRYPTED,
    'Sanitize.Readonly': NOT_ENCRYPTED + ' (the rest is tried)',
    'Sanitize.Reservations': NOT_ENCRYPTED + ' (the rest is tried)',
    'StartStopUnit.Simple': NOT_REMOVABLE,
    'StartStopUnit.PwrCnd': NOT_REMOVABLE,
    'StartStopUnit.NoLoej': NOT_REMOVABLE,
    'WriteAtomic16.VPD': 'no alignment is asked for (the rest is tried)',
}


def fates(output):
  """The tests that failed, and those that skipped something."""
  failed, skipped = set(), set()
  suite = test = None
  for line in output.splitlines():
    if line.startswith('Suite: '):
      suite = line.split()[1]
    begun = re.match(r' +Test: (\S+)', line)
    if begun:
      test = f'{suite}.{begun.group(1)}'
    if test and '[SKIPPED]' in line:
      skipped.add(test)
    if test and line.startswith('FAILED'):
      failed.add(test)
    if line.startswith(('passed', 'FAILED')):
      test = None  # what follows is said between the tests
  return failed, skipped


# Blocks of 512 bytes on a medium that writes 4096 at a time.
UNIT_512E = 'lun { spec: "ram:256M" physical_block_size: 4096 }'


def play(test, *target):
  """What iscsi-test-cu prints for these tests of it."""
  with harness.reference_target(*target) as uri:
    url = harness.libiscsi_url(uri)
    return harness.run('iscsi-test-cu', '-V', '--dataloss', '--allow-sanitize', '--test=' + test,
                       url, url, ok=range(256))


class IscsiTestCuTest(unittest.TestCase):

  def test_all_of_it(self):
    config = os.path.join(harness.scratch(), 'target.textproto')
    with open(config, 'w', encoding='utf-8') as file:
      file.write(UNIT_512E)
    with concurrent.futures.ThreadPoolExecutor() as pool:
      # Looks for a sanitize again after four seconds (which takes ten on this unit), and once more
      # after a minute.
      reset = pool.submit(play, 'ALL.' + SANITIZE_RESET, '--lun', 'slow:40,ram:256M')
      output = play('ALL', '--config', config)
    self.assertIn('Verify that the SANITIZE is still going', reset.result())
    self.assertEqual(fates(reset.result()), (set(), set()), reset.result()[-3000:])
    end = output[-3000:]
    # The columns are: total, run, passed, failed.
    tests = re.search(r'\n +tests +(\d+) +(\d+) +(\d+) +(\d+)', output)
    asserts = re.search(r'\n +asserts +(\d+) +(\d+) +(\d+) +(\d+)', output)
    self.assertIsNotNone(tests, end)
    self.assertIsNotNone(asserts, end)
    total, ran, _, count = map(int, tests.groups())
    self.assertGreaterEqual(total, 200, end)
    self.assertEqual(ran, total, end)
    self.assertGreater(int(asserts.group(2)), 10000, end)
    failed, skipped = fates(output)
    failing = set(FAILS) | {SANITIZE_RESET}  # it is over at once here
    self.assertEqual(failed, failing, end)
    self.assertEqual(count, len(failing), end)
    self.assertEqual(skipped, set(SKIPS))


if __name__ == '__main__':
  unittest.main()
