"""`pushpull replay --plugin` and `fuzz --plugin`: what plug-ins make of bytes, right or wrong."""

import json
import os
import re
import unittest

from tools.peers import harness


def trace(name):
  return harness.data_file(f'corpus/traces/{name}.textproto')


def plugin(name, option=''):
  path = harness.data_file(f'fuzz/replay/plugins/{name}.so')
  return f'{path},{option}' if option else path


def replay(*arguments, ok):
  return harness.run_pushpull('replay', *arguments, ok=(ok,))


def fuzz(name, option, *arguments, ok):
  return harness.run_pushpull('fuzz', '--plugin', plugin(name, option), *arguments, ok=(ok,))


class PluginTest(unittest.TestCase):

  def test_what_is_no_plugin_is_told_so(self):
    for path, says in (
        ('/no/such.so', r'no such file: /no/such\.so \(--plugin FILE\.so\[,OPTIONS\]\)'),
        (harness.data_file('README.md'), r"can't be loaded: .*is it a shared object"),
        (harness.data_file('fuzz/replay/plugin/no_entry.so'),
         r'exports no pushpull_receiver_entry\(\): define it'),
        (plugin('faulty_old'), r'has abi_version 2, this Pushpull 1: build the plug-in against'),
        (plugin('faulty_null'), r"doesn't know version 1 of the ABI"),
        (plugin('faulty_crash'), r'crashed: SIGABRT \(Aborted\) while it was loaded'),
    ):
      with self.subTest(path):
        self.assertRegex(replay(trace('to_target/nop_out'), '--plugin', path, ok=2), says)

  def test_right_ones_are_right(self):
    for name, files in (
        ('example', ('to_target/ahs_several', 'to_initiator/data_in')),
        ('machine', ('to_target/every_request_both_digests', 'to_initiator/every_response_plain')),
        ('wrong', ('to_target/login_three_stages', 'to_initiator/every_response_header_digest')),
        ('libiscsi', ('to_initiator/data_in', 'to_initiator/scsi_response')),
    ):
      with self.subTest(name):
        output = replay(*(trace(file) for file in files), '--plugin', plugin(name), '--splits',
                        'fields,bytes', ok=0)
        self.assertRegex(output, r'2 traces, .*: no difference')

  def test_a_finding_is_kept_and_plays_again(self):
    out = harness.scratch()
    output = replay(trace('to_target/ahs_several'), '--plugin', plugin('wrong', 'ahs_cut'),
                    '--splits', 'all1', '--out', out, ok=1)
    self.assertRegex(output, r'cut at 49: 1 byte into the AHS 1 of PDU 1')
    command = re.search(r'replay: pushpull (replay .*)', output)
    self.assertTrue(command, output)
    again = harness.run_pushpull(*command.group(1).split(), ok=(1,))
    self.assertRegex(again, r'cut at \d+')

  def test_a_death_is_a_finding(self):
    for option, says in (
        ('crash', r'crashed'),
        ('abort', r'SIGABRT'),
        ('exit', r'exit status 0'),
        ('garbage', r'garbled'),
        ('chatter', r'last words'),
    ):
      with self.subTest(option):
        output = replay(trace('to_target/nop_out'), '--plugin', plugin('faulty', option),
                        '--splits', 'all1', ok=1)
        self.assertRegex(output, says)

  def test_fuzzing_right_ones_finds_nothing(self):
    for name in ('example', 'machine', 'wrong', 'libiscsi'):
      with self.subTest(name):
        told = fuzz(name, '', '--runs', '60', '--seed', '5', ok=0)
        self.assertRegex(told, r'\d+ streams, [\d,]+ deliveries, \d+ a second, 0 findings')

  def test_fuzzing_finds_what_is_wrong(self):
    for name, option, finds in (
        ('wrong', 'ahs_cut', r'fuzz/differs_cut_in_the_ahss '),
        ('wrong', 'pad_as_data', r'fuzz/differs_cut_in_the_data '),
        ('wrong', 'digest_forgotten', r'fuzz/differs_cut_in_the_header_digest '),
        ('wrong', 'empty_data_tail', r'fuzz/differs_cut_between_pdus '),
        # AddressSanitizer makes an abort of it.
        ('wrong', 'overread', r'fuzz/crashed_sig(segv|abrt)_in_push'),
        ('faulty', 'crash', r'fuzz/crashed_sig(segv|abrt)_in_'),
        ('faulty', 'abort', r'fuzz/crashed_sigabrt_in_'),
        ('faulty', 'exit', r'fuzz/exited_exit_status_in_'),
        ('faulty', 'bad_event', r'fuzz/violation_'),
    ):
      with self.subTest(f'{name},{option}'):
        # Those that are faulty are so with each stream; a child that dies is slow to do so.
        runs = '10' if name == 'faulty' else '60'
        told = fuzz(name, option, '--runs', runs, '--seed', '5', '--minimize-plays', '40', ok=1)
        self.assertRegex(told, finds)
        ids = re.findall(r'^FAIL +(\S+)', told, re.M)
        self.assertEqual(len(ids), len(set(ids)), 'one cause, one finding')

  def test_what_fuzzing_found_is_kept_small_and_plays_again(self):
    out = harness.scratch()
    fuzz('wrong', 'ahs_cut', '--runs', '60', '--seed', '5', '--out', out, ok=1)
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      result = json.load(file)
    self.assertEqual(result['exit_code'], 1)
    found = result['result'][0]
    path = os.path.join(out, found['failure']['file'])
    with open(path, encoding='utf-8') as file:
      self.assertEqual(len(re.findall(r'^step', file.read(), re.M)), 1, 'one PDU shows it')
    again = harness.run_pushpull(*found['replay'].split()[1:], ok=(1,))
    self.assertRegex(again, r'cut at \d+')
    # A right receiver takes the same without a word.
    harness.run_pushpull('replay', path, '--plugin', plugin('wrong'), ok=(0,))
    for kind in ('findings.sarif', 'report.html', 'junit.xml'):
      self.assertTrue(os.path.exists(os.path.join(out, kind)), kind)

  def test_wrong_use_of_fuzzing(self):
    for says, code, arguments in (
        ('is about a target', 2, ('--allow-writes',)),
        ('is about a target', 2, ('--target', 'embedded-sim:')),
        ('no such file', 2, ('--plugin', '/no/such.so')),
    ):
      with self.subTest(arguments):
        line = ('fuzz', '--runs', '1', '--plugin', plugin('example'), *arguments)
        if arguments[0] == '--plugin':
          line = ('fuzz', '--runs', '1', *arguments)
        self.assertIn(says, harness.run_pushpull(*line, ok=(code,)))


if __name__ == '__main__':
  unittest.main()
