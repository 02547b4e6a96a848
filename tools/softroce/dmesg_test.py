"""A kernel's complaints are found in its log, and nothing else is taken for one."""

import os
import tempfile
import unittest

import dmesg
from errors import DIED, Failure
from guest import Settings

QUIET = '''[    0.000000] Command line: console=ttyS0 oops=panic BUG: no, a word of the command line
[    0.1] Warning: unmaintained hardware is detected
[    5.8] rdma_rxe: loaded
[    7.5] pushpull: command starts
'''
OOPS = '''[    8.0] BUG: kernel NULL pointer dereference, address: 0000000000000000
[    8.1] #PF: supervisor read access in kernel mode
[    8.2] ---[ end trace 0000000000000000 ]---
[    8.3] something later
'''
KASAN = '[    8.0] BUG: KASAN: slab-out-of-bounds in isert_rx_opcode+0x10/0x20\n'
WARNING = '[    8.0] WARNING: CPU: 1 PID: 7 at drivers/infiniband/core/cq.c:322 ib_free_cq\n'


def log_with(text):
  handle, path = tempfile.mkstemp(dir=os.environ.get('TEST_TMPDIR'))
  with os.fdopen(handle, 'w', encoding='utf-8') as file:
    file.write(text)
  return path


class DmesgTest(unittest.TestCase):

  def test_a_quiet_log_keeps_the_status_and_goes(self):
    log = log_with(QUIET)
    self.assertEqual(dmesg.verdict(log, 3, Settings()), 3)
    self.assertFalse(os.path.exists(log))

  def test_a_log_that_was_asked_for_stays(self):
    log = log_with(QUIET)
    self.assertEqual(dmesg.verdict(log, 0, Settings(keep_logs='.')), 0)
    self.assertTrue(os.path.exists(log))

  def test_an_oops_fails_whatever_the_command_said(self):
    for text in (OOPS, KASAN):
      with self.assertRaises(Failure) as caught:
        dmesg.verdict(log_with(QUIET + text), 0, Settings())
      self.assertEqual(caught.exception.status, DIED)
      self.assertIn('BUG: ', str(caught.exception))
      self.assertNotIn('something later', str(caught.exception))

  def test_a_warning_fails_only_where_it_should(self):
    self.assertEqual(dmesg.verdict(log_with(QUIET + WARNING), 0, Settings()), 0)
    self.assertEqual(
        dmesg.verdict(log_with(QUIET + WARNING), 0, Settings(fail_on_warning=True)), DIED)

  def test_no_status_is_a_death(self):
    with self.assertRaises(Failure) as caught:
      dmesg.verdict(log_with(QUIET), None, Settings())
    self.assertEqual(caught.exception.status, DIED)


if __name__ == '__main__':
  unittest.main()
