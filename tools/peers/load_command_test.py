"""`pushpull load` against `pushpull target`, each a process of its own."""

import os
import subprocess
import unittest

from tools.peers import harness

COMMON = ('--allow-writes', '--sessions', '16', '--io-bytes', '8192')


class LoadCommandTest(unittest.TestCase):

  def test_sessions_and_drops_leave_the_targets_process_as_it_was(self):
    with harness.process(harness.pushpull_binary(), 'target', '--listen', 'tcp://127.0.0.1:0',
                         '--lun', 'ram:64M', stdout=subprocess.PIPE, text=True) as child:
      uri = harness.read_line(child).split()[1]
      # A sanitizer keeps what was freed for a while: its process grows by itself.
      watch = () if 'ASAN_OPTIONS' in os.environ else ('--watch-pid', str(child.pid))
      output = harness.run_pushpull('load', '--target', uri, *COMMON, '--commands', '50',
                                    '--drops', '200', *watch)
    self.assertRegex(output, r'\n\d+ commands of 8192 bytes by 16 sessions in ')
    self.assertIn('\n200 connections dropped\n', output)
    if watch:
      self.assertRegex(output, r"the target's process: .* descriptors, .* at the end")

  def test_an_interrupt_ends_it_in_order(self):
    with harness.reference_target('--lun', 'ram:64M') as uri:
      for _ in range(5):
        with harness.process(harness.pushpull_binary(), 'load', '--target', uri, *COMMON,
                             '--drops', '1000000', stderr=subprocess.PIPE, text=True) as child:
          for line in child.stderr:
            if 'dropping' in line:
              break
          child.terminate()
          self.assertEqual(child.wait(timeout=30), 143)

  def test_peers(self):
    with harness.reference_target('--lun', 'ram:64M') as uri:
      output = harness.run_pushpull('load', '--target', uri, *COMMON, '--seconds', '0.4',
                                    '--peers', 'deaf-reader', '--peers', 'slow-login')
    self.assertRegex(output, r'\ndeaf-reader +\d+ +\d+ +-\n')
    self.assertRegex(output, r'\nslow-login +\d+ +\d+ +-\n')
    self.assertIn('-: too short to tell; give more --seconds', output)

  def test_a_target_that_ends_is_a_finding(self):
    for more in ((), ('--drops', '1000000')):
      with harness.process(harness.pushpull_binary(), 'target', '--listen', 'tcp://127.0.0.1:0',
                           '--lun', 'ram:64M', stdout=subprocess.PIPE, text=True) as target:
        uri = harness.read_line(target).split()[1]
        with harness.process(harness.pushpull_binary(), 'load', '--target', uri, *COMMON, *more,
                             '--seconds', '60', '--watch-pid', str(target.pid),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
          for line in child.stderr:
            if 'dropping' in line or (not more and 'logged in' in line):
              break
          target.kill()
          output = child.communicate(timeout=60)[0]
          self.assertEqual(child.returncode, 1, output)
      self.assertIn(f"FAULT the target's process {target.pid} has ended", output)
      self.assertNotIn('all read back', output)

  def test_lost_data_is_a_fault(self):
    with harness.reference_target('--lun', 'null:64M') as uri:
      output = harness.run_pushpull('load', '--target', uri, *COMMON, '--commands', '5', ok=[1])
    self.assertIn('FAULT session', output)
    self.assertIn('it is all zeros', output)
    self.assertNotIn('all read back', output)

  def test_chap(self):
    with harness.reference_target('--lun', 'ram:64M') as uri:
      output = harness.run_pushpull('load', '--target', uri, *COMMON, '--commands', '5',
                                    '--chap-user', 'alice', ok=[2])
      self.assertIn('--chap-user and --chap-secret-file go together', output)

  def test_what_it_refuses(self):
    uri = f'tcp://127.0.0.1:{harness.free_port()}/iqn.2026-11.org.example:t'
    for arguments, code, why in (
        (['--target', uri], 2, '--allow-writes'),
        (['--target', 'embedded:', '--allow-writes'], 2, 'load goes over TCP'),
        (['--target', 'tcp://127.0.0.1', '--allow-writes'], 2, 'a target that is named'),
        (['--target', uri, '--allow-writes', '--peers', 'rude'], 2, 'deaf-reader'),
        (['--target', uri, '--allow-writes', '--peers', 'all', '--sessions', '0'], 2, '--sessions'),
        (['--target', uri, '--allow-writes', '--sessions', '0'], 2, 'nothing to do'),
        (['--target', uri, '--allow-writes', '--watch-pid', '2147483647'], 2, 'no process'),
        (['--target', uri, '--allow-writes'], 3, 'refused'),
    ):
      self.assertIn(why, harness.run_pushpull('load', *arguments, ok=[code]))


if __name__ == '__main__':
  unittest.main()
