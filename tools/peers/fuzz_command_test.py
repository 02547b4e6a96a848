"""`pushpull fuzz`: what it finds, what it doesn't, and what it leaves behind."""

import json
import os
import re
import signal
import unittest

from tools.peers import harness

SIM = ('--target', 'embedded-sim:')


def fuzz(*arguments, ok=0):
  return harness.run_pushpull('fuzz', *arguments, ok=(ok,))


def read(*path):
  with open(os.path.join(*path), encoding='utf-8') as file:
    return file.read()


class FuzzCommandTest(unittest.TestCase):

  def test_a_healthy_target_has_no_finding(self):
    for target in ('embedded-sim:', 'embedded:', 'embedded-iser:'):
      with self.subTest(target):
        told = fuzz('--target', target, '--runs', '150', '--seed', '11')
        self.assertRegex(told, r'150 sequences, \d+ a second, \d\d+ states, 0 findings')

  def test_a_defect_is_found_and_made_small(self):
    out = harness.scratch()
    bug = ('--bug', 'stat_sn_advanced_by_r2t')
    told = fuzz(*SIM, '--runs', '200', *bug, '--out', out, ok=1)
    self.assertIn('fuzz/rule_stat_sn_increments', told)
    result = json.loads(read(out, 'result.json'))
    self.assertEqual(result['exit_code'], 1)
    self.assertGreaterEqual(len(result['result']), 1)
    ids = [one['id'] for one in result['result']]
    self.assertEqual(len(ids), len(set(ids)), 'one cause, one finding')
    found = next(one for one in result['result'] if one['id'] == 'fuzz/rule_stat_sn_increments')
    self.assertTrue(os.path.exists(os.path.join(out, found['wire_log'])))
    self.assertIn('stat_sn_increments', read(out, 'findings.sarif'))
    self.assertTrue(os.path.exists(os.path.join(out, 'report.html')))
    # What is left plays as a case: right on a right target, wrong on this one.
    case = ('run', *SIM, '--suites', os.path.join(out, 'scenarios'), '--only', found['id'])
    harness.run_pushpull(*case, ok=(0,))
    harness.run_pushpull(*case, *bug, ok=(1,))
    self.assertLess(len(re.findall(r'^step', read(out, found['failure']['file']), re.M)), 6)
    # And the line that it gives finds it again.
    self.assertEqual(found['replay'].split()[:2], ['pushpull', 'fuzz'])
    self.assertIn('rule_stat_sn_increments', fuzz(*found['replay'].split()[2:], ok=1))

  def test_the_same_seed_is_the_same_campaign(self):
    line = [fuzz(*SIM, '--runs', '80', '--seed', seed).split(' a second, ')[1]
            for seed in ('5', '5')]
    self.assertEqual(line[0], line[1])

  def test_what_the_profile_knows_is_not_told(self):
    path = os.path.join(harness.scratch(), 'profile.textproto')
    with open(path, 'w', encoding='utf-8') as file:
      for rule in ('stat_sn_increments', 'stat_sn_next'):
        file.write(f'expect_violation {{ rule: "{rule}" reason: "known" }}\n')
    told = fuzz(*SIM, '--runs', '200', '--bug', 'stat_sn_advanced_by_r2t', '--profile', path)
    self.assertIn('0 findings', told)

  def test_somebody_elses_target(self):
    with harness.reference_target('--lun', 'ram:8M') as uri:
      told = fuzz('--target', uri, '--runs', '300', '--allow-writes', '--seed', '3')
      self.assertIn('300 sequences', told)
    with harness.reference_target('--lun', 'ram:8M', '--bug', 'nop_in_data_dropped') as uri:
      told = fuzz('--target', uri, '--runs', '300', ok=1)
      self.assertIn('fuzz/rule_nop_in_echo', told)

  def test_a_target_that_dies_is_told_with_what_killed_it(self):
    folder = harness.scratch()
    port = harness.free_port()
    uri = f'tcp://127.0.0.1:{port}'
    restart = os.path.join(folder, 'restart.sh')
    with open(restart, 'w', encoding='utf-8') as file:
      file.write('exit 1\n')
    profile = os.path.join(folder, 'profile.textproto')
    with open(profile, 'w', encoding='utf-8') as file:
      file.write(f'restart_command: "sh {restart}"\n')
    with harness.process(harness.pushpull_binary(), 'target', '--lun', 'ram:8M', '--listen',
                         uri) as child:
      harness.until(lambda: harness.listens(port), 'the target listens')
      with harness.process(harness.pushpull_binary(), 'fuzz', '--target', uri, '--time', '60',
                           '--profile', profile, '--out', os.path.join(folder, 'out')) as fuzzer:
        harness.until(lambda: os.path.exists(os.path.join(folder, 'out')), 'it has begun')
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.assertEqual(fuzzer.wait(60), 3)

  def test_wrong_use(self):
    for code, says, arguments in (
        (3, 'connection refused', ('--target', 'tcp://127.0.0.1:1')),
        (4, 'no case is left', (*SIM, '--only', 'nosuch/*')),
        (2, 'without --allow-writes', ('--target', 'tcp://127.0.0.1:1', '--scratch-lba', '0-63')),
    ):
      with self.subTest(arguments):
        self.assertIn(says, fuzz(*arguments, ok=code))


if __name__ == '__main__':
  unittest.main()
