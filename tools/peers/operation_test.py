"""`pushpull target` in service: admin socket, end in order, log, service manager."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from tools.peers import harness
from tools.peers import raw_session

LISTEN = ('--lun', 'ram:1M', '--listen', 'tcp://127.0.0.1:0')


class UnixConnection(http.client.HTTPConnection):
  """As `curl --unix-socket`."""

  def __init__(self, path):
    super().__init__('localhost', timeout=30)
    self._path = path

  def connect(self):
    self.sock = socket.socket(socket.AF_UNIX)
    self.sock.settimeout(30)
    self.sock.connect(self._path)


class OperationTest(unittest.TestCase):

  def setUp(self):
    # A socket's path is short.
    self.folder = tempfile.mkdtemp(dir='/tmp')
    self.addCleanup(shutil.rmtree, self.folder)
    self.path = os.path.join(self.folder, 'admin')

  def serve(self, *arguments, **options):
    """A target; its lines are read by the caller."""
    return harness.process(harness.pushpull_binary(), 'target', *LISTEN, *arguments, text=True,
                           **{'stdout': subprocess.PIPE, **options})

  def log_in(self, child, **options):
    uri = harness.read_line(child).split()[1]
    host, port = uri[len('tcp://'):].split('/')[0].rsplit(':', 1)
    return raw_session.RawSession(host, int(port), uri.rsplit('/', 1)[1], **options)

  def admin(self, *arguments, **options):
    return harness.run_pushpull('admin', '--socket', self.path, *arguments, **options)

  def ask(self, method, path, body=None):
    connection = UnixConnection(self.path)
    connection.request(method, path, body=body)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()

  # ---- admin socket ----

  def test_counters_and_sessions(self):
    with self.serve('--admin-socket', self.path) as child:
      with self.log_in(child):
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        counters = json.loads(self.admin('counters'))
        self.assertEqual(counters['sessions'], 1)
        self.assertEqual(counters['pdus_received_by_opcode']['Login Request'], 1)
        self.assertEqual(counters['pdus_sent_by_opcode']['Login Response'], 1)
        sessions = json.loads(self.admin('sessions'))['sessions']
        self.assertEqual([session['initiator'] for session in sessions],
                         ['iqn.2001-04.com.example:raw'])
        self.assertEqual(sessions[0]['connections'][0]['cid'], 1)
        status, text = self.ask('GET', '/metrics')
        self.assertEqual((status, text), (200, self.admin('metrics')))
    self.assertFalse(os.path.exists(self.path))
    for line in text.splitlines():
      self.assertRegex(line, r'^(# (HELP|TYPE) )?pushpull_target_[a-z0-9_]+'
                       r'(\{[a-z]+="[^"\\]*"\} -?\d+| -?\d+| gauge| counter| [A-Z].*)$')
    named = re.findall(r'^# TYPE (\S+) counter$', text, re.M)
    self.assertTrue(named and all(name.endswith('_total') for name in named))

  def test_events(self):
    with self.serve('--admin-socket', self.path) as child, self.log_in(child) as session:
      tsih = json.loads(self.admin('sessions'))['sessions'][0]['tsih']
      self.admin('logout', '--tsih', str(tsih), '--within-s', '30')
      self.assertEqual(session.next_event(), (1, 0, 0, 30))
      self.assertEqual(self.ask('POST', '/negotiate', 'within_s=7')[0], 200)
      self.assertEqual(session.next_event(), (4, 0, 0, 7))
      self.assertIn('GET /sessions says which',
                    self.admin('drop-session', '--tsih', str(tsih + 1), ok=(2,)))
      self.admin('drop-connection', '--tsih', str(tsih))
      self.assertEqual(session.next_event(), (2, 1, 2, 20))
      self.assertEqual(session.next_pdu()[0], None)

  def test_sockets_that_are_there(self):
    with socket.socket(socket.AF_UNIX) as dead:
      dead.bind(self.path)
    with self.serve('--admin-socket', self.path) as child:
      harness.read_line(child)  # it has replaced the stale one
      command = [harness.pushpull_binary(), 'target', *LISTEN]
      self.assertIn('another process does',
                    harness.run(*command, '--admin-socket', self.path, ok=(2,)))
      self.admin('counters')
    config = os.path.join(self.folder, 'target.textproto')
    with open(config, 'w', encoding='ascii') as file:
      file.write('\nadmin: "/missing/folder/socket"')
    self.assertIn(f'{config}:2:1: cannot listen on /missing/folder/socket',
                  harness.run(*command, '--config', config, ok=(2,)))

  def test_nobody_answers(self):
    self.assertIn('is the target running', self.admin('sessions', ok=(3,)))
    with socket.socket(socket.AF_UNIX) as other:
      other.bind(self.path)
      self.assertIn('is the target running', self.admin('sessions', ok=(3,)))

  def test_the_cases_that_need_hooks(self):
    """Against a target that is reached as anybody's is, by the profile of docs/OPERATION.md."""
    admin = f'{harness.pushpull_binary()} admin --socket {self.path}'
    profile = os.path.join(self.folder, 'profile.textproto')
    hooks = {'async_logout': 'logout --within-s ${PUSHPULL_ARG_within_s:-10}',
             'async_negotiate': 'negotiate --within-s ${PUSHPULL_ARG_within_s:-10}',
             'async_drop_connection': 'drop-connection', 'async_drop_session': 'drop-session'}
    with open(profile, 'w', encoding='ascii') as file:
      file.write('target: "pushpull target"\n')
      for hook, command in hooks.items():
        file.write(f'hook {{ hook: "{hook}" command: "{admin} {command}" }}\n')
    with self.serve('--admin-socket', self.path) as child:
      uri = harness.read_line(child).split()[1]
      # However many may be under way: what is told to one is told to all sessions.
      told = harness.run_pushpull('run', '--target', uri, '--only', 'async/*', '--profile', profile,
                                  '--jobs', '6', '--out', os.path.join(self.folder, 'out'))
    self.assertIn('6 cases', told)
    self.assertIn('6 PASS', told)

  # ---- the end ----

  def test_it_ends_as_soon_as_all_have_logged_out(self):
    for stop in ('signal', 'admin'):
      with self.serve('--admin-socket', self.path, '--stop-timeout-s', '60') as child:
        with self.log_in(child) as session:
          if stop == 'signal':
            child.send_signal(signal.SIGTERM)
          else:
            self.admin('stop')
          self.assertEqual(session.next_event(), (1, 0, 0, 60))
          self.assertEqual(self.ask('POST', '/stop')[0], 409)
          session.log_out()
        self.assertEqual(child.wait(timeout=20), 0)
      self.assertFalse(os.path.exists(self.path))

  def test_who_stays_is_dropped(self):
    with self.serve('--stop-timeout-s', '1') as child, self.log_in(child) as session:
      child.send_signal(signal.SIGTERM)
      self.assertEqual(session.next_event(), (1, 0, 0, 1))
      self.assertEqual(session.next_event(), (3, 0, 2, 0))
      self.assertEqual(session.next_pdu()[0], None)
      self.assertEqual(child.wait(timeout=20), 0)

  def test_a_second_signal_waits_for_nobody(self):
    with self.serve('--stop-timeout-s', '600') as child, self.log_in(child) as session:
      child.send_signal(signal.SIGTERM)
      session.next_event()
      child.send_signal(signal.SIGTERM)
      self.assertEqual(child.wait(timeout=20), -signal.SIGTERM)

  # ---- log ----

  def test_the_log_tells_no_secret(self):
    secret = os.path.join(self.folder, 'secret')
    with open(secret, 'w', opener=lambda path, flags: os.open(path, flags, 0o600),
              encoding='ascii') as file:
      file.write('this is the secret\n')
    with self.serve('--chap-user', 'alice', '--chap-secret-file', secret, '--log-level', 'debug',
                    stderr=subprocess.PIPE) as child:
      uri = harness.read_line(child).split()[1]
      wrong = os.path.join(self.folder, 'wrong')
      with open(wrong, 'w', opener=lambda path, flags: os.open(path, flags, 0o600),
                encoding='ascii') as file:
        file.write('this is another one\n')
      for file, codes in ((secret, (0,)), (wrong, (3,))):
        harness.run_pushpull('run', '--target', uri, '--only', 'nop/*', '--chap-user', 'alice',
                             '--chap-secret-file', file, '--out', os.path.join(self.folder, 'out'),
                             ok=codes)
      child.terminate()
      log = child.communicate(timeout=30)[1]
    self.assertRegex(log, r'(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info login connection=\d+ ')
    self.assertRegex(log, r'(?m)^\S+ warning login_failed .*status="authentication failure"')
    self.assertNotRegex(log, 'this is|CHAP_R=|0x[0-9a-f]{16}')

  def test_a_full_pipe_holds_nothing_up(self):
    for level in ('info', 'debug'):
      reading, writing = os.pipe()
      with os.fdopen(reading, 'rb'), os.fdopen(writing, 'wb') as full:
        os.set_blocking(writing, False)
        for size in (4096, 1):  # until not a byte goes in
          with contextlib.suppress(BlockingIOError):
            while True:
              os.write(writing, b'x' * size)
        os.set_blocking(writing, True)
        with self.serve('--log-level', level, '--admin-socket', self.path, stderr=full) as child:
          with self.log_in(child) as session:
            session.log_out()
          counters = json.loads(self.admin('counters'))
          self.assertEqual(counters['logins_done'], 1)
          child.terminate()
          self.assertEqual(child.wait(timeout=20), 0)

  def test_it_is_silent_where_nothing_is_wrong(self):
    with self.serve(stderr=subprocess.PIPE) as child:
      with self.log_in(child) as session:
        session.log_out()
      child.terminate()
      self.assertEqual(child.communicate(timeout=30)[1], '')
    command = [harness.pushpull_binary(), 'target', *LISTEN]
    self.assertIn('there are error, warning, info and debug',
                  harness.run(*command, '--log-level', 'loud', ok=(2,)))

  # ---- service manager ----

  def test_the_service_manager_is_told(self):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
      manager.bind(self.path)
      manager.settimeout(30)
      with self.serve(env={**os.environ, 'NOTIFY_SOCKET': self.path}) as child:
        self.assertEqual(manager.recv(100), b'READY=1')
        child.terminate()
        self.assertEqual(manager.recv(100), b'STOPPING=1')

  def test_the_unit_is_one(self):
    if shutil.which('systemd-analyze') is None:
      self.skipTest('systemd-analyze is not installed')
    with open('tools/systemd/pushpull-target.service', encoding='utf-8') as file:
      text = file.read()
    installed = '/usr/bin/pushpull'
    self.assertIn(f'ExecStart={installed} target --config /etc/pushpull/target.textproto', text)
    unit = os.path.join(self.folder, 'pushpull-target.service')
    with open(unit, 'w', encoding='utf-8') as file:
      file.write(text.replace(installed, os.path.abspath(harness.pushpull_binary())))
    self.assertEqual(harness.run('systemd-analyze', 'verify', '--man=no', unit), '')

  def test_the_example_serves(self):
    """It is what the unit is given, with its paths moved here."""
    with open('tools/systemd/target.textproto', encoding='utf-8') as file:
      text = file.read()
    disk = os.path.join(self.folder, 'disk')
    with open(disk, 'wb') as file:
      file.truncate(1 << 20)
    for path, here in (('/run/pushpull/target.sock', self.path), (':3260', ':0'),
                       ('/var/lib/pushpull/disk0', disk)):
      self.assertIn(path, text)
      text = text.replace(path, here)
    config = os.path.join(self.folder, 'target.textproto')
    with open(config, 'w', encoding='utf-8') as file:
      file.write(text)
    with harness.process(harness.pushpull_binary(), 'target', '--config', config, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
      harness.read_line(child)
      self.assertEqual(json.loads(self.admin('counters'))['sessions'], 0)
      began = time.monotonic()
      self.admin('stop')
      self.assertEqual(child.wait(timeout=20), 0)
      self.assertLess(time.monotonic() - began, 5, 'nobody was there')


if __name__ == '__main__':
  unittest.main()
