"""What a run says that can't begin: the target isn't there, refuses, or stands no plain session."""

import os
import socket
import unittest

from tools.peers import harness

DISCOVERY = 'This was the discovery'


class PreflightTest(harness.CommandLine):

  def test_a_plain_session_that_fails_leaves_its_wire(self):
    out = os.path.join(harness.scratch(), 'out')
    broken = ('run', '--target', 'embedded-iser:', '--bug', 'iser_header_missing', '--only',
              'sanity/alive')
    said = self.complains(3, 'pushpull: embedded-iser: a message came', *broken, '--out', out)
    self.assertRegex(said, r'#2 c1 +← Login Response')
    self.assertIn('The monitor: PDU 4: ', said)
    self.assertIn('no case was played', said)
    wire = os.path.join(out, 'cases/preflight/wire.txt')
    self.assertIn(f'Field by field: {wire};', said)
    with open(wire, encoding='utf-8') as file:
      self.assertIn('Login Response', file.read())
    for name in ('wire.json', 'wire.pcapng'):
      self.assertGreater(os.path.getsize(os.path.join(out, 'cases/preflight', name)), 0)
    with open(os.path.join(out, 'report.txt'), encoding='utf-8') as file:
      self.assertIn('Field by field', file.read())
    said = self.complains(3, 'With --out FOLDER it is kept', *broken)
    self.assertIn('Login Response', said)
    # The next run's folder has nothing of it.
    harness.run_pushpull('run', '--only', 'sanity/alive', '--out', out)
    self.assertFalse(os.path.exists(os.path.dirname(wire)))

  def test_what_is_wrong_is_the_last_that_is_told(self):
    for target, bug, last in (
        ('embedded-iser:', 'iser_write_beyond', 'RDMA Write'),
        ('embedded-iser:', 'iser_recovery_level_raised', 'ErrorRecoveryLevel=1'),
        ('embedded-sim:', 'max_burst_maximum', 'MaxBurstLength=1048576'),
        ('embedded-sim:', 'nop_in_lun_or_itt_wrong', 'NOP-In')):
      with self.subTest(bug):
        said = self.complains(3, 'On the wire:', 'run', '--target', target, '--bug', bug, '--only',
                              'sanity/alive')
        self.assertIn(last, said.split('On the wire:')[1])

  def test_discovery_is_spoken_of_where_it_was_refused(self):
    folder = harness.scratch()
    secret = os.path.join(folder, 'secret')
    with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), 'w', encoding='utf-8') as file:
      file.write('twelve bytes are the least')
    for uri, what in (('tcp://127.0.0.1:1', 'connection refused'),
                      ('tcp://no.such.host.invalid', 'cannot find the address')):
      for chap in ((), ('--chap-user', 'me', '--chap-secret-file', secret)):
        said = self.complains(3, what, 'run', '--target', uri, '--only', 'sanity/alive', *chap)
        self.assertNotIn(DISCOVERY, said)
        self.assertNotIn('CHAP', said)
        self.assertNotIn('On the wire', said)
    with harness.reference_target('--lun', 'ram:1M', '--chap-user', 'me', '--chap-secret-file',
                                  secret) as uri:
      portal = uri.rsplit('/', 1)[0]
      self.assertNotIn('CHAP account', self.complains(3, DISCOVERY, 'run', '--target', portal))
      self.complains(3, 'another CHAP account, or none', 'run', '--target', portal, '--chap-user',
                     'you', '--chap-secret-file', secret)

  def test_a_portal_that_is_not_there_is_the_one_named(self):
    with harness.reference_target('--lun', 'ram:1M') as uri, socket.socket() as taken:
      taken.bind(('127.0.0.1', 0))  # and nobody listens there
      port = taken.getsockname()[1]
      said = self.complains(3, 'portal 2 (each --target after the first is one): connection c1',
                            'run', '--target', uri, '--target', f'tcp://127.0.0.1:{port}')
      self.assertIn(f'127.0.0.1:{port}', said)
      self.assertNotIn(uri, said)


if __name__ == '__main__':
  unittest.main()
