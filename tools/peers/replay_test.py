"""pushpull replay: the table, findings with their reproducers, and complaints."""

import os
import signal
import struct
import subprocess
import unittest

from tools.peers import harness

TRACE = '''
trace { first_burst_length: 1024 }
step { send { pdu {
  scsi_command { cdb { write { blocks: 1 } } }
  ahs { ahs_type: 2 specific: "read." }
  data { raw: "hello" }
} } }
step { send { pdu { nop_out {} } } }
'''
HEADER = bytes([0x40, 0x80]) + bytes(14) + struct.pack('>IIII', 7, 0xffffffff, 1, 1) + bytes(16)


class ReplayTest(unittest.TestCase):

  def setUp(self):
    self.folder = harness.scratch()
    self.trace = self.write('a trace.textproto', TRACE.encode())

  def write(self, name, contents):
    path = os.path.join(self.folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
      file.write(contents)
    return path

  def scenario(self):
    return self.write('x/ping.textproto', b'id: "x/ping"\nstep { login {} }\n'
                      b'step { probe {} }\nstep { logout {} }\nepilogue: NOTHING\n')

  def replay(self, code, *arguments):
    done = subprocess.run([harness.pushpull_binary(), 'replay', *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, timeout=harness.LIMIT_S,
                          check=False)
    self.assertEqual(done.returncode, code, done.stdout + done.stderr)
    return done.stdout + done.stderr

  def test_table(self):
    text = self.replay(0, self.trace, '--splits', 'none,all1,random:1:10,notyet,queue:2')
    lines = text.splitlines()
    self.assertEqual(lines[0].split(), ['trace', 'deliveries', 'distinct', 'events', 'result'])
    self.assertTrue(lines[1].startswith(self.trace), lines[1])
    self.assertEqual(lines[1].split()[-2:], ['3', 'same'])
    self.assertRegex(lines[2], r'^1 trace, [\d,]+ deliveries .* no difference$')

  def test_folder_with_all_kinds_of_files(self):
    self.write('bytes/two_headers', HEADER * 2)
    self.write('bytes/garbage.bin', b'\x01' * 100)
    self.write('README.md', b'not a trace')
    text = self.replay(0, self.folder, '--data-digest')
    self.assertIn('3 traces', text)

  def test_finding_has_a_reproducer(self):
    out = os.path.join(self.folder, 'out')
    text = self.replay(1, self.trace, '--splits', 'all1', '--bug', 'rx_ahs_lost_when_cut',
                       '--out', out)
    self.assertIn('DIFFERS: tcp, cut at 48', text)
    self.assertIn('cut at 48: where the AHS of PDU 1 (SCSI Command) begins', text)
    self.assertIn('AHS, 0 bytes; by the header 8', text)
    self.assertIn('1 trace differs', text)
    files = os.listdir(out)
    self.assertEqual(len(files), 1)
    path = os.path.join(out, files[0])
    self.assertIn(f'pushpull replay {path} --bug rx_ahs_lost_when_cut', text)
    again = self.replay(1, path, '--bug', 'rx_ahs_lost_when_cut')
    self.assertIn('DIFFERS: tcp, cut at 48', again)
    self.replay(0, path)

  def test_what_is_too_much_is_left_out_and_said(self):
    limit = ('--max-deliveries', '1000')
    text = self.replay(2, self.trace, '--splits', 'all1,all3', *limit)
    self.assertIn('not played: all3 of 1 trace', text)
    self.assertIn('same; not played: all3 (', text)
    self.replay(0, self.trace, '--splits', 'all', *limit)

  def test_queues_are_not_a_sessions(self):
    self.assertIn('a session has its own',
                  self.replay(2, self.scenario(), '--via', 'session', '--splits', 'fields,queue:2'))

  def test_files_with_nothing_in_them(self):
    for name, what in (('a.textproto', 'has no step'), ('a.pcap', 'is empty'),
                       ('a.pcapng', 'is empty'), ('a', 'is empty')):
      path = self.write('empty/' + name, b'')
      self.assertIn(f'{path}: {what}', self.replay(2, path))
    self.assertIn('passed over, as it is empty',
                  self.replay(0, os.path.dirname(self.write('inputs/a', b'')), self.trace))
    self.assertIn('pushpull convert', self.replay(2, self.write('a.json', b'{}')))

  def test_over_tcp_by_a_target_of_our_own(self):
    """No false alarms: what a connection's end looks like, and who is first, is chance."""
    sessions = harness.data_file('corpus/traces/session')
    with harness.reference_target('--lun', 'ram:16M', '--lun', 'ram:16M') as uri:
      text = self.replay(0, sessions, '--via', uri, '--allow-writes', '--splits', 'random:1:5')
    self.assertIn('no difference', text)
    self.assertNotIn('unsteady', text)

  def test_a_target_that_listens_elsewhere_each_time(self):
    for name in ('text', 'discovery'):
      path = harness.data_file(f'corpus/traces/session/{name}.textproto')
      self.replay(0, path, '--via', 'embedded:', '--splits', 'random:1:3')

  def test_interrupted(self):
    out = os.path.join(self.folder, 'out')
    command = [harness.pushpull_binary(), 'replay', self.trace, '--splits', 'all3', '--out', out]
    with harness.process(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True) as child:
      self.assertIn('deliveries', harness.read_line(child))  # it has begun
      child.send_signal(signal.SIGINT)
      text, complaint = child.communicate(timeout=harness.LIMIT_S)
    self.assertEqual(child.returncode, 130, text + complaint)
    self.assertIn('same so far', text)
    self.assertIn('interrupted', complaint)

  def test_sessions(self):
    scenario = self.scenario()
    text = self.replay(0, scenario, '--via', 'session', '--splits', 'fields')
    self.assertIn('no difference', text)
    self.assertIn('--via session', self.replay(2, scenario))

  def test_complaints(self):
    self.assertIn('there is no such schedule', self.replay(2, self.trace, '--splits', 'some'))
    self.assertIn('/no/such', self.replay(2, '/no/such'))
    self.assertIn('no file to replay', self.replay(4, harness.scratch()))
    bad = self.write('bad.textproto', b'trace {}\nstep { probe {} }\n')
    self.assertIn('step 1: a trace has only `send` steps', self.replay(2, bad))

  def test_a_bad_file_stops_no_other(self):
    self.write('a.textproto', b'garbage {')
    self.write('b', bytes(48))
    text = self.replay(2, self.folder)
    self.assertIn('a.textproto:1', text)
    self.assertIn('2 traces', text)
    alone = self.write('alone/a.textproto', b'garbage {')
    self.assertIn('a.textproto:1', self.replay(2, os.path.dirname(alone)))
    self.assertIn('leave --via out',
                  self.replay(2, self.trace, '--plugin', 'x.so', '--via', 'session'))
    self.assertIn('x.so', self.replay(2, self.trace, '--plugin', './x.so'))
    self.assertIn('no_such', self.replay(2, self.trace, '--bug', 'no_such'))
    self.assertIn('this is no target', self.replay(2, self.trace, '--via', 'elsewhere'))
    self.assertIn('nothing was played', self.replay(4, self.trace, '--via', 'session'))


if __name__ == '__main__':
  unittest.main()
