"""Bad input to the command line: a clear message that says what to do, and the right exit code."""

import os
import subprocess
import unittest

from tools.peers import harness


class CliTest(unittest.TestCase):

  def complains(self, code, message, *arguments):
    done = subprocess.run([harness.pushpull_binary(), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=harness.LIMIT_S, check=False)
    self.assertEqual(done.returncode, code, done.stdout + done.stderr)
    self.assertIn(message, done.stdout + done.stderr)

  def test_usage(self):
    self.complains(2, 'subcommand', )
    self.complains(2, 'no-such', 'run', '--no-such-option')
    self.complains(2, 'this is no target', 'run', '--target', 'disk')
    self.complains(2, 'a port', 'run', '--target', 'tcp://127.0.0.1:99999/iqn.x')
    self.complains(2, 'is no schedule', 'run', '--splits', 'sometimes')
    self.complains(2, 'I/N', 'run', '--shard', '3/2')
    self.complains(2, '12 hexadecimal', 'run', '--isid', '12')
    self.complains(2, 'FROM-TO', 'run', '--scratch-lba', '5')
    self.complains(2, 'go together', 'run', '--chap-user', 'me')
    self.complains(2, 'No such file', 'run', '--chap-user', 'me', '--chap-secret-file', '/no/file')
    self.complains(2, '/no/profile', 'run', '--profile', '/no/profile')
    self.complains(2, '/no/suites', 'run', '--suites', '/no/suites')

  def test_nothing_matches(self):
    self.complains(4, 'no case matches', 'run', '--only', 'no/such/case')
    self.complains(4, 'no case matches', 'list', '--only', 'no/such/case')

  def test_target_that_is_not_there(self):
    port = harness.free_port()
    self.complains(3, f'127.0.0.1:{port}', 'run', '--target', f'tcp://127.0.0.1:{port}/iqn.x')

  def test_bad_scenario(self):
    folder = harness.scratch()
    os.makedirs(os.path.join(folder, 'x'))
    path = os.path.join(folder, 'x', 'bad.textproto')
    with open(path, 'w', encoding='utf-8') as file:
      file.write('id: "x/bad"\nstep { login { untill: 3 } }\n')
    self.complains(2, f'{path}:2:', 'run', '--suites', folder)

  def test_suites_are_linted(self):
    folder = harness.scratch()
    os.makedirs(os.path.join(folder, 'x'))
    path = os.path.join(folder, 'x', 'empty.textproto')
    with open(path, 'w', encoding='utf-8'):
      pass
    self.complains(2, 'no steps', 'run', '--suites', folder)

  def test_jobs_do_not_disturb_each_other(self):
    with harness.reference_target('--lun', 'ram:16M', '--lun', 'ram:16M') as uri:
      harness.run_pushpull('run', '--target', uri, '--allow-writes', '--jobs', '4')

  def test_profile_without_reason(self):
    path = os.path.join(harness.scratch(), 'profile.textproto')
    with open(path, 'w', encoding='utf-8') as file:
      file.write('expect { id: "login/one_request" }\n')
    self.complains(2, 'a reason', 'run', '--profile', path)
    with open(path, 'w', encoding='utf-8') as file:
      file.write('restart_command: "true"\n')
    self.complains(2, 'not supported yet', 'run', '--profile', path)

  def test_results_cannot_be_written(self):
    path = os.path.join(harness.scratch(), 'taken')
    with open(path, 'w', encoding='utf-8') as file:
      file.write('x')
    self.complains(2, '--out', 'run', '--only', 'sanity/alive', '--out', path)

  def test_target_bad_lun_and_bug(self):
    self.complains(2, '25Q', 'target', '--lun', 'ram:25Q')
    self.complains(2, '/no/disk', 'target', '--lun', 'file:/no/disk')
    self.complains(2, 'stat_sn_skips', 'target', '--lun', 'ram:1M', '--bug', 'stat_sn_skip')
    self.complains(2, 'stat_sn_skips', 'run', '--bug', 'stat_sn_skip')

  def test_port_in_use(self):
    with harness.reference_target('--lun', 'ram:1M') as uri:
      address = uri.rsplit('/', 1)[0]
      self.complains(2, 'another process listens', 'target', '--lun', 'ram:1M', '--listen', address)

  def test_a_defect_is_found(self):
    self.complains(1, 'FAIL        login/isid_kept#oui', 'run', '--bug', 'login_isid_not_echoed',
                   '--only', 'login/isid_kept')


if __name__ == '__main__':
  unittest.main()
