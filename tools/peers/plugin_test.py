"""`pushpull replay --plugin`: what plug-ins make of traces, and what is wrong with some."""

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


if __name__ == '__main__':
  unittest.main()
