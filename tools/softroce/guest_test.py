"""`pushpull softroce` boots guests. Where none can boot the test is skipped, unless
PUSHPULL_REQUIRE_GUEST is set: then that is a failure.
"""

import os
import subprocess
import unittest

from tools.peers import harness

SKIPPED = 77
LIMIT_S = 240


def softroce(*arguments):
  """(exit status, standard output, standard error)"""
  done = subprocess.run([harness.pushpull_binary(), 'softroce', *arguments],
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        text=True, errors='replace', timeout=LIMIT_S, check=False)
  return done.returncode, done.stdout, done.stderr


class GuestTest(unittest.TestCase):

  def guest(self, *arguments):
    require = ['--require-guest'] if os.environ.get('PUSHPULL_REQUIRE_GUEST') else []
    status, out, err = softroce('--where', 'guest', *require, *arguments)
    if status == SKIPPED:
      print(f'SKIPPED: {err}', flush=True)  # tools/test_summary.py reads it
      self.skipTest(err)
    return status, out, err

  def test_output_status_and_files_come_out(self):
    share = harness.scratch()
    logs = harness.scratch()
    hidden = os.path.join(harness.scratch(), 'hidden')
    status, out, err = self.guest(
        '--share', share, '--keep-logs', logs, '--', 'sh', '-c',
        f'echo to out; echo to err >&2; echo kept >{share}/file; echo >{hidden}; '
        'ls /sys/class/infiniband; ip -4 -brief address show dummy0; exit 7')
    self.assertEqual(status, 7, err)
    self.assertEqual(err, 'to err\n')
    lines = out.splitlines()
    self.assertEqual(lines[:2], ['to out', 'rxe_dummy0'])
    self.assertIn('192.0.2.1/24', lines[2])
    with open(os.path.join(share, 'file'), encoding='ascii') as file:
      self.assertEqual(file.read(), 'kept\n')
    self.assertFalse(os.path.exists(hidden))
    self.assertTrue(os.path.exists(os.path.join(logs, 'dmesg.txt')))

  def test_a_kernel_that_breaks_is_told_as_that(self):
    status, _, err = self.guest('--', 'sh', '-c', 'echo c >/proc/sysrq-trigger')
    self.assertEqual(status, 125)
    self.assertIn("the guest's kernel broke", err)
    self.assertIn('sysrq triggered crash', err)

  def test_a_command_without_end_is_ended(self):
    status, _, err = self.guest('--timeout-s', '2', '--', 'sh', '-c', 'while :; do :; done')
    self.assertEqual(status, 124)
    self.assertIn('--timeout-s', err)

  def test_this_kernels_own_device_is_made_and_taken_away(self):
    status, out, err = self.guest(
        '--', harness.pushpull_binary(), 'softroce', '--where', 'here', '--', 'sh', '-c',
        'ls /sys/class/infiniband; exit 3')
    self.assertEqual(status, 3, err)
    self.assertIn('rxe_pushpull0', out)
    status, out, err = self.guest(
        '--', 'sh', '-c', f'{harness.pushpull_binary()} softroce --where here -- true && '
        'ls /sys/class/infiniband /sys/class/net')
    self.assertEqual(status, 0, err)
    self.assertNotIn('pushpull0', out)

  def test_two_ends_of_a_link(self):
    status, out, err = self.guest(
        '--link', 'veth', '--', 'sh', '-c',
        'ls /sys/class/infiniband; ping -c 1 -W 5 -I $PUSHPULL_RDMA_PEER_ADDRESS '
        '$PUSHPULL_RDMA_ADDRESS >/dev/null; cat /sys/class/net/veth0/statistics/rx_packets')
    self.assertEqual(status, 0, err)
    self.assertEqual(out.split()[:2], ['rxe_veth0', 'rxe_veth1'])
    self.assertGreater(int(out.split()[2]), 0, 'packets must cross the pair')


class UsageTest(unittest.TestCase):

  def test_errors_say_what_to_do(self):
    for arguments, text in [
        (('--kernel', '/x', '--', 'true'), '--kernel and --modules go together'),
        (('--kernel', '/x', '--modules', '/x', '--', 'true'), 'no such file'),
        (('--share', '/no/such/folder', '--', 'true'), 'no such folder'),
        (('--cpus', '0', '--', 'true'), 'from 1 to 64'),
        (('--timeout-s', 'nan', '--', 'true'), 'from 1 to 86400'),
        (('--where', 'here', '--link', 'veth', '--', 'true'), 'need a guest'),
        (('--kind', 'roce', '--', 'true'), 'invalid choice'),
        ((), 'CMD'),
    ]:
      with self.subTest(arguments=arguments):
        status, out, err = softroce(*arguments)
        self.assertEqual((status, out), (2, ''), err)
        self.assertIn(text, err)

  def test_options_may_be_left_out(self):
    status, _, err = softroce('--', 'true')
    self.assertIn(status, (0, SKIPPED), err)

  def test_help_is_its_own(self):
    status, out, _ = softroce('--help')
    self.assertEqual(status, 0)
    self.assertIn('--require-guest', out)


if __name__ == '__main__':
  unittest.main()
