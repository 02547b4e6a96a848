"""What a case left on a target is put back under --jobs, in each shard, and when a run is ended."""

import os
import signal
import unittest

from tools.peers import harness

HEAD = ('title: "t" why: "w" cite: "RFC7143-4.2.2.1-e" level: MUST since: 1 version: 1 '
        'needs { writes: true }\n')
LOGIN = 'step { login { isid: "\\x80\\x12\\x34\\x56\\x00\\x52" } }\n'
# Registers a key and takes the LUN for itself: exclusive access.
TAKES = r"""
step { command { cdb { raw: "\x5f\x06\0\0\0\0\0\0\x18\0" }
                 write_data { raw: "\0\0\0\0\0\0\0\0PUSHPULA\0\0\0\0\0\0\0\0" } } }
step { command { cdb { raw: "\x5f\x01\x03\0\0\0\0\0\x18\0" }
                 write_data { raw: "PUSHPULA\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" } } }
"""
# As no target answers it.
FAILS = 'step { command { cdb { test_unit_ready {} } status: BUSY } }\n'
WAITS = 'step { timeout_ms: 600000 expect { one_of { pdu { reject {} } } } }\n'
SEES = ('step { login {} }\nstep { command { cdb { write { blocks: 1 } } '
        'write_data { pattern { seed: 1 } } } }\n')


class PutBackTest(unittest.TestCase):

  def suites(self, **cases):
    folder = harness.scratch()
    os.mkdir(os.path.join(folder, 'x'))
    for name, steps in cases.items():
      with open(os.path.join(folder, 'x', f'{name}.textproto'), 'w', encoding='utf-8') as file:
        file.write(f'id: "x/{name}"\n{HEAD}{steps}')
    return folder

  def play(self, uri, suites, *more, code=1):
    return harness.run_pushpull('run', '--target', uri, '--allow-writes', '--suites', suites, *more,
                                ok=code if isinstance(code, tuple) else (code,))

  def sees_nothing(self, uri):
    """Another initiator may write, and no command is refused."""
    self.play(uri, self.suites(sees=SEES), code=0)

  def test_what_is_left_is_seen(self):
    with harness.reference_target('--lun', 'ram:16M') as uri:
      self.play(uri, self.suites(takes=LOGIN + TAKES), code=0)
      output = self.play(uri, self.suites(sees=SEES))
      self.assertIn('RESERVATION_CONFLICT', output)

  def test_jobs(self):
    cases = {}
    for number in range(4):
      cases[f'c{number}a_takes'] = LOGIN + TAKES + FAILS
      cases[f'c{number}b_sees'] = SEES
    with harness.reference_target('--lun', 'ram:16M') as uri:
      output = self.play(uri, self.suites(**cases), '--jobs', '4')
      self.assertIn('4 FAIL, 4 PASS', output)
      self.sees_nothing(uri)

  def test_shards(self):
    suites = self.suites(a_takes=LOGIN + TAKES + FAILS, b_sees=SEES)
    with harness.reference_target('--lun', 'ram:16M') as uri:
      self.assertIn('1 case in', self.play(uri, suites, '--shard', '1/2'))
      self.play(uri, suites, '--shard', '2/2', code=0)

  def test_an_end_by_a_signal(self):
    suites = self.suites(takes=LOGIN + TAKES + WAITS)
    folder = harness.scratch()
    marker = os.path.join(folder, 'takes')
    with harness.reference_target('--lun', 'ram:16M') as uri:
      with harness.process(harness.pushpull_binary(), 'run', '--target', uri, '--allow-writes',
                           '--suites', suites, '--before-case', f'touch {marker}', '--out',
                           os.path.join(folder, 'out')) as child:
        harness.until(lambda: os.path.exists(marker), 'the case begins')
        harness.until(lambda: self.is_taken(uri), 'the LUN is taken')
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(30), 130)
      self.sees_nothing(uri)

  def is_taken(self, uri):
    output = self.play(uri, self.suites(sees=SEES), code=(0, 1))
    return 'RESERVATION_CONFLICT' in output


if __name__ == '__main__':
  unittest.main()
