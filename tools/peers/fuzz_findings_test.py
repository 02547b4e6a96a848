"""`pushpull fuzz` over the network: each kind of finding that no rule of the monitor is."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import unittest

from tools.peers import harness

# Starts it (again), and waits until it listens. Its process outlives the shell.
RESTART = """
if test -f {folder}/pid; then kill -9 $(cat {folder}/pid) 2>/dev/null; fi
{python} {script} {port} {target_port} {fault} {disk} </dev/null >/dev/null 2>&1 &
echo $! > {folder}/pid
until {python} -c 'import socket; socket.create_connection(("127.0.0.1", {port}))' 2>/dev/null
do :; done
"""


@contextlib.contextmanager
def faulty_target(fault):
  """(URI, profile) of a target with this fault, which the profile's command starts again."""
  folder = harness.scratch()
  disk = os.path.join(folder, 'disk.img')
  with open(disk, 'wb') as file:
    file.truncate(8 << 20)
  port = harness.free_port()
  with harness.reference_target('--lun', f'file:{disk}') as uri:
    host, name = uri[len('tcp://'):].split('/', 1)
    restart = os.path.join(folder, 'restart.sh')
    with open(restart, 'w', encoding='utf-8') as file:
      file.write(RESTART.format(folder=folder, python=sys.executable, port=port, fault=fault,
                                script=harness.data_file('tools/peers/faulty_proxy.py'),
                                target_port=host.rsplit(':', 1)[1], disk=disk))
    profile = os.path.join(folder, 'profile.textproto')
    with open(profile, 'w', encoding='utf-8') as file:
      file.write(f'restart_command: "sh {restart}"\n')
    try:
      subprocess.run(['sh', restart], check=True, timeout=60)
      yield f'tcp://127.0.0.1:{port}/{name}', profile
    finally:
      with open(os.path.join(folder, 'pid'), encoding='utf-8') as file:
        pid = int(file.read())
      with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class FuzzFindingsTest(unittest.TestCase):

  def found(self, fault, *arguments, timeout_s='0.4'):
    """What is found on a target with this fault, by id."""
    out = os.path.join(harness.scratch(), 'out')
    with faulty_target(fault) as (uri, profile):
      told = harness.run_pushpull('fuzz', '--target', uri, '--profile', profile, '--only', 'text/*',
                                  '--runs', '24', '--jobs', '4', '--step-timeout-s', timeout_s,
                                  '--minimize-plays', '25', '--out', out, *arguments, ok=(0, 1))
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      found = {one['id']: one for one in json.load(file).get('result', [])}
    self.assertTrue(found, told)
    return found

  def check(self, found, which, message):
    """A finding that is confirmed, with its cause, as a case that holds what does it."""
    ids = [one for one in found if one.startswith(which)]
    self.assertEqual(len(ids), 1, found)
    finding = found[ids[0]]
    self.assertIn(message, finding['failure']['message'])
    return finding

  def test_a_crash(self):
    finding = self.check(self.found('crash'), 'fuzz/crash_opcode_0x04', 'nobody takes connections')
    self.assertIn('--first', finding['replay'])

  def test_a_hang(self):
    self.check(self.found('hang'), 'fuzz/hang_opcode_0x04', 'takes connections, but no session')

  def test_a_target_that_grows_slow(self):
    self.check(self.found('slow', timeout_s='20'), 'fuzz/slower', 'restarted, it was gone')

  def test_a_flood(self):
    self.check(self.found('flood'), 'fuzz/disproportion', 'PDUs came for')

  def test_blocks_that_change(self):
    self.check(self.found('data', '--allow-writes'), 'fuzz/data_changed', 'not written to')

  def test_a_right_target_behind_it(self):
    out = os.path.join(harness.scratch(), 'out')
    with faulty_target('none') as (uri, profile):
      told = harness.run_pushpull('fuzz', '--target', uri, '--profile', profile, '--only', 'text/*',
                                  '--runs', '100', '--allow-writes', '--out', out)
    self.assertIn('0 findings', told)


if __name__ == '__main__':
  unittest.main()
