"""Scripted targets for libiscsi: every script has a verdict, as its profile expects."""

import json
import os
import subprocess
import time
import unittest

from tools.peers import harness

PROFILE = 'conformance/profiles/libiscsi.textproto'
COMMAND = 'tools/peers/libiscsi_command.sh'


class InitiatorsTest(unittest.TestCase):

  def play(self, *arguments, ok=(0,)):
    """What the run printed, and its result."""
    out = os.path.join(harness.scratch(), 'results')
    output = harness.run_pushpull('initiator', '--out', out, *arguments, ok=ok)
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      return output, json.load(file)

  def test_libiscsi_does_as_its_profile_expects(self):
    output, run = self.play('--command', harness.data_file(COMMAND), '--command-timeout-s', '10',
                            '--step-timeout-s', '3', '--profile', harness.data_file(PROFILE))
    self.assertGreaterEqual(len(run['result']), 50, output)
    for case in run['result']:
      self.assertIn(case['verdict'], ('PASS', 'WARN', 'FAIL', 'TIMEOUT'), output)

  def test_without_the_profile_its_faults_fail_the_run(self):
    output, run = self.play('--command', harness.data_file(COMMAND),
                            '--only', 'initiators/text_in_parts', ok=[1])
    (case,) = run['result']
    self.assertIn('RFC7143-I-6.2-a', case['failure']['cite'], output)

  def test_what_ends_the_command_is_told(self):
    for command, told in (('kill -SEGV $$', 'crashed: it was ended by signal 11'),
                          ('tail -f /dev/null', 'hangs: it took longer than 1s')):
      with self.subTest(command):
        output, run = self.play('--command', command, '--command-timeout-s', '1',
                                '--step-timeout-s', '0.2', '--only', 'initiators/serves', ok=[1])
        self.assertIn(told, run['result'][0]['failure']['message'], output)

  def test_a_command_that_is_not_there_is_told(self):
    output, run = self.play('--command', 'no_such_initiator', '--step-timeout-s', '0.2',
                            '--only', 'initiators/serves', ok=[1])
    self.assertIn('exit code 127', run['result'][0]['failure']['message'], output)

  def test_somebody_starts_the_initiator(self):
    command = (harness.pushpull_binary(), 'initiator', '--only', 'initiators/serves',
               '--listen', 'tcp://127.0.0.1:0')
    with harness.process(*command, stdout=subprocess.PIPE, text=True) as child:
      ready, uri, _, script = harness.read_line(child).split()
      self.assertEqual((ready, script), ('ready', 'initiators/serves'))
      harness.run('iscsi-inq', harness.libiscsi_url(uri))
      self.assertEqual(child.wait(timeout=20), 0)

  def test_target_takes_scripts_too(self):
    command = (harness.pushpull_binary(), 'target', '--script', 'serves', '--listen',
               'tcp://127.0.0.1:0')
    with harness.process(*command, stdout=subprocess.PIPE, text=True) as child:
      ready, uri, _, script = harness.read_line(child).split()
      self.assertEqual((ready, script), ('ready', 'initiators/serves'))
      harness.run('iscsi-inq', harness.libiscsi_url(uri))
      self.assertEqual(child.wait(timeout=20), 0)
    for arguments, code, told in ((['--script', 'nothing'], 4, 'pushpull initiator --list'),
                                  (['--script', 'serves', '--lun', 'ram:1M'], 2, '--lun')):
      with self.subTest(arguments):
        self.assertIn(told, harness.run_pushpull('target', *arguments, ok=[code]))

  def test_a_command_that_ended_is_not_waited_for(self):
    begin = time.monotonic()
    _, run = self.play('--command', 'true', '--step-timeout-s', '60', '--only', 'initiators/serves',
                       ok=[1])
    self.assertLess(time.monotonic() - begin, 30)
    self.assertEqual(run['result'][0]['verdict'], 'TIMEOUT')

  def test_bad_usage_says_what_to_do(self):
    folder = harness.scratch()
    with open(os.path.join(folder, 'a.textproto'), 'w', encoding='utf-8') as file:
      file.write('id: "a" title: "t" why: "w" cite: "RFC7143-11.19-b" level: MUST since: 1 '
                 'version: 1 step { login {} }\n')
    for arguments, code, told in (
        (['--only', 'nothing/like_this'], 4, 'pushpull initiator --list'),
        (['--listen', 'iser://127.0.0.1'], 2, 'over TCP alone'),
        (['--listen', 'tcp://192.0.2.1'], 2, '--listen 192.0.2.1:3260'),
        (['--name', 'no name'], 2, 'name'),
        (['--profile', '/nowhere'], 2, '/nowhere'),
        (['--suites', folder], 2, 'role: TARGET')):
      with self.subTest(arguments):
        self.assertIn(told, harness.run_pushpull('initiator', *arguments, ok=[code]))


if __name__ == '__main__':
  unittest.main()
