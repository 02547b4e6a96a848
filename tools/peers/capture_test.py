"""A capture of foreign initiators, linted, converted and played again."""

import glob
import os
import struct
import subprocess
import unittest

from tools.peers import harness

CAPTURE = 'conformance/capture/testdata/loopback.pcap'


def pushpull(*arguments):
  done = subprocess.run([harness.pushpull_binary(), *arguments], stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                        timeout=harness.LIMIT_S, check=False)
  return done.returncode, done.stdout


class CaptureTest(unittest.TestCase):

  def setUp(self):
    self.capture = harness.data_file(CAPTURE)
    self.folder = harness.scratch()

  def test_lint(self):
    # What the target says is right; what libiscsi does wrong in it is told in docs/CAPTURES.md.
    self.assertEqual(pushpull('lint', '--side', 'target', self.capture),
                     (0, f'{self.capture}: 3 connections, 50 PDUs, 0 violations\n'))
    code, output = pushpull('lint', self.capture)
    self.assertEqual((code, output.count(' exp_stat_sn_seen\n')), (1, 5), output)
    code, output = pushpull('lint', '/no/such.pcap')
    self.assertEqual((code, 'No such file' in output), (2, True), output)
    code, output = pushpull('lint', '--port', '3261', self.capture)
    self.assertEqual((code, 'no iSCSI PDU' in output), (4, True), output)

  def test_lint_finds_what_a_wrong_target_sent(self):
    out = os.path.join(self.folder, 'results')
    pushpull('run', '--only', 'sequencing/wrap_at_2_32', '--target', 'embedded-sim:',
             '--bug', 'stat_sn_skips', '--out', out)
    captures = glob.glob(f'{out}/cases/**/wire.pcapng', recursive=True)
    code, output = pushpull('lint', *captures)
    self.assertEqual(code, 1, output)
    self.assertRegex(output, r'wire.pcapng: frame \d+, connection 1: MUST RFC 7143 .*stat_sn')

  def test_recorded_sessions_are_played_again(self):
    recorded = os.path.join(self.folder, 'recorded')
    code, output = pushpull('convert', self.capture, recorded + '/', '--with-data')
    self.assertEqual((code, output.count('\n')), (0, 3), output)
    play = ('run', '--suites', recorded, '--allow-writes', '--target', 'embedded-sim:')
    code, output = pushpull(*play)
    self.assertEqual((code, '3 PASS' in output), (0, True), output)
    # They judge: a target that answers otherwise fails.
    code, output = pushpull(*play, '--bug', 'sense_missing')
    self.assertEqual(code, 1, output)

  def test_bad_input(self):
    empty = os.path.join(self.folder, 'empty.pcap')
    with open(empty, 'wb') as file:
      file.write(struct.pack('>IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    out = os.path.join(self.folder, 'x.textproto')
    code, output = pushpull('convert', empty, out)
    self.assertEqual((code, 'there is no iSCSI in 0 packets' in output), (4, True), output)
    for arguments, message in (((self.capture, out), 'choose one with --connection'),
                               ((self.capture, out, '--connection', '9'), 'no connection 9'),
                               ((self.capture, out, '--with-data', '--trace', 'to_target'),
                                '--with-data excludes --trace'),
                               ((self.capture, 'x.doc'), 'a capture becomes a scenario')):
      code, output = pushpull('convert', *arguments)
      self.assertEqual((code, message in output), (2, True), output)

  def test_what_a_damaged_capture_lacks_is_no_pass(self):
    short = os.path.join(self.folder, 'short.pcapng')
    with open(self.capture, 'rb') as file:
      whole = file.read()
    with open(short, 'wb') as file:
      file.write(whole[:len(whole) * 2 // 3])
    code, output = pushpull('lint', short)
    self.assertEqual((code, 'was not judged' in output), (2, True), output)


if __name__ == '__main__':
  unittest.main()
