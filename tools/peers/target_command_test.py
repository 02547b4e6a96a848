"""`pushpull target`: its configuration, what it says when it is ready, and how it ends."""

import os
import signal
import socket
import subprocess
import unittest

from tools.peers import harness

NAME = 'iqn.2001-04.com.example:test'


def config_file(text):
  path = os.path.join(harness.scratch(), 'target.textproto')
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)
  return path


def target(*arguments, **options):
  """A process that serves; the caller reads its lines."""
  return harness.process(harness.pushpull_binary(), 'target', *arguments, text=True,
                         **{'stdout': subprocess.PIPE, **options})


def address(line):
  """(host, port) of "ready tcp://HOST:PORT/NAME"."""
  host, port = line[len('ready tcp://'):].split('/')[0].rsplit(':', 1)
  return host, int(port)


class TargetCommandTest(unittest.TestCase):

  def complains(self, *arguments, code=2, stdout=subprocess.PIPE):
    """What it says on standard error when it can't serve."""
    done = subprocess.run([harness.pushpull_binary(), 'target', *arguments], stdout=stdout,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=harness.LIMIT_S, check=False)
    self.assertEqual(done.returncode, code, done.stderr)
    return done.stderr

  def test_file_and_command_line(self):
    path = config_file(f'listen: "tcp://127.0.0.1:1" name: "{NAME}" lun {{ spec: "ram:1M" }}')
    with target('--config', path, '--listen', 'tcp://127.0.0.1:0') as child:
      self.assertRegex(harness.read_line(child), rf'^ready tcp://127\.0\.0\.1:\d+/{NAME}$')
    with target('--config', path, '--listen', 'tcp://127.0.0.1:0', '--name',
                'IQN.2001-04.org.Example') as child:
      self.assertRegex(harness.read_line(child), r'/iqn\.2001-04\.org\.example$')

  def test_errors_of_the_file_say_where(self):
    path = config_file('lun { spec: "ram:1M" }\nlun { spec: "ram:1M" }\n')
    self.assertIn(f'{path}:2:1: lun 0: there are two', self.complains('--config', path))
    path = config_file('lun {\n  sppec: "ram:1M"\n}\n')
    self.assertIn(f'{path}:2:', self.complains('--config', path))
    self.assertIn('/no/file', self.complains('--config', '/no/file'))
    # Port 1 needs a privilege, or nobody may have it here: either way the line is named.
    path = config_file('lun { spec: "ram:1M" }\nlisten: "tcp://192.0.2.1:5000"\n')
    self.assertIn(f'{path}:2:1: ', self.complains('--config', path))

  def test_errors_of_the_command_line(self):
    lun = ('--lun', 'ram:1M')
    self.assertIn('there is no LUN', self.complains())
    self.assertIn('above 8 EiB', self.complains('--lun', 'ram:99999999T'))
    self.assertIn('--threads', self.complains(*lun, '--threads', '1025'))
    self.assertIn('--threads', self.complains(*lun, '--threads', '0'))
    self.assertIn('--name "disk" is no iSCSI name', self.complains(*lun, '--name', 'disk'))
    self.assertIn('192.0.2.1', self.complains(*lun, '--listen', 'tcp://192.0.2.1:0'))
    self.assertIn('no.such.host.invalid',
                  self.complains(*lun, '--listen', 'tcp://no.such.host.invalid'))
    twice = ('--listen', 'tcp://127.0.0.1:4000') * 2
    self.assertIn('is there twice', self.complains(*lun, *twice))

  def test_options_are_called_by_their_names(self):
    secret = os.path.join(harness.scratch(), 'secret')
    with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), 'w', encoding='utf-8') as file:
      file.write('short')
    alone = ('--chap-mutual-user', 'me', '--chap-mutual-secret-file', secret)
    for said, *arguments in (
        ('--plain-text goes with --legal-variation;', '--plain-text'),
        ('--without goes with --legal-variation;', '--without', 'vendor-events'),
        ('--iser-dialect "x": there are', '--iser-dialect', 'x'),
        ('--log-level "x": there are', '--log-level', 'x'),
        ('--listen "x": it begins', '--listen', 'x'),
        ('--chap-mutual-user: nobody can log in by CHAP; add --chap-user and its', *alone),
        ('the secret of --chap-mutual-user has 5', *alone, '--chap-user', 'you',
         '--chap-secret-file', secret),
        ('--chap-user: CHAP_N has', '--chap-user', 'x' * 256, '--chap-secret-file', secret)):
      with self.subTest(arguments):
        output = self.complains('--lun', 'ram:1M', *arguments)
        self.assertIn(said, output)
        self.assertNotRegex(output, '[a-z]_[a-z]')
    # What the file says is called as it is there.
    path = config_file('lun { spec: "ram:1M" }\nlegal_variation_plain_text: true')
    self.assertIn(f'{path}:2:1: legal_variation_plain_text goes with legal_variation;',
                  self.complains('--config', path))

  def test_what_is_left_out_of_the_variation(self):
    vary = ('--lun', 'ram:1M', '--legal-variation', '1')
    for names in ('vendor-events,,empty-data-in', 'vendor-events,', ',vendor-events', ','):
      self.assertIn(f'--without: "{names}" has a comma too many',
                    self.complains(*vary, '--without', names))
    self.assertIn('--without: there is no "quirks" to be left out, but vendor-events',
                  self.complains(*vary, '--without', 'vendor-events,quirks'))
    with target(*vary, '--listen', 'tcp://127.0.0.1:0', '--without', 'vendor-events,empty-data-in',
                '--without', 'unit-attentions') as child:
      self.assertIn('ready ', harness.read_line(child))

  def test_it_is_ready_when_all_portals_are(self):
    with subprocess.Popen([harness.pushpull_binary(), 'target', '--lun', 'ram:1M', '--listen',
                           'tcp://127.0.0.1:0', '--listen', 'tcp://192.0.2.1:0'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as child:
      output, errors = child.communicate(timeout=harness.LIMIT_S)
    self.assertEqual((child.returncode, output), (2, ''))
    self.assertIn('192.0.2.1', errors)

  def test_lun_files(self):
    path = os.path.join(harness.scratch(), 'disk')
    self.assertIn('does not exist', self.complains('--lun', f'file:{path}'))
    with open(path, 'wb') as file:
      file.truncate(1000)
    self.assertIn('no multiple', self.complains('--lun', f'file:{path}'))
    os.truncate(path, 1024)
    with target('--lun', f'file:{path}', '--listen', 'tcp://127.0.0.1:0') as child:
      self.assertIn('ready ', harness.read_line(child))
      self.assertIn(f"file '{path}' is in use by process {child.pid} (pushpull): end that",
                    self.complains('--lun', f'file:{path}'))
    self.assertIn(f"lun 1: file '{path}' is served by another LUN of this process",
                  self.complains('--lun', f'file:{path}', '--lun', f'file:{path},ro'))
    self.assertIn(f"file '{path}' has no option ',rw'", self.complains('--lun', f'file:{path},rw'))
    read_only = ('--lun', f'file:{path},ro')
    with target(*read_only, *read_only, '--listen', 'tcp://127.0.0.1:0') as child:
      self.assertIn('ready ', harness.read_line(child))

  def test_privileged_port(self):
    with open('/proc/sys/net/ipv4/ip_unprivileged_port_start', encoding='ascii') as file:
      first = int(file.read())
    with open('/proc/self/status', encoding='ascii') as file:
      capabilities = next(int(line.split()[1], 16) for line in file if line.startswith('CapEff'))
    if first <= 1 or capabilities >> 10 & 1:
      self.skipTest('every port is free to all here')
    self.assertIn('127.0.0.1:1', self.complains('--lun', 'ram:1M', '--listen', 'tcp://127.0.0.1:1'))

  def test_nobody_hears_that_it_is_ready(self):
    arguments = ('--lun', 'ram:1M', '--listen', 'tcp://127.0.0.1:0')
    with open('/dev/full', 'w', encoding='ascii') as full:
      self.assertIn('No space left', self.complains(*arguments, stdout=full))
    reader, writer = os.pipe()
    os.close(reader)
    self.assertIn('Broken pipe', self.complains(*arguments, stdout=writer))
    os.close(writer)

  def test_discovery_names_it_once_with_each_portal(self):
    with target('--lun', 'ram:1M', '--listen', 'tcp://127.0.0.1:0', '--listen',
                'tcp://127.0.0.1:0', '--threads', '3') as child:
      portals = [address(harness.read_line(child)) for _ in range(2)]
      told = harness.run('iscsi-ls', 'iscsi://%s:%d' % portals[0])
    lines = told.splitlines()
    self.assertEqual(len({line.split()[0] for line in lines}), 1, told)
    self.assertEqual(sorted(f'{host}:{port}' for host, port in portals),
                     sorted(line.split('Portal:')[1].split(',')[0] for line in lines), told)

  def test_signals_end_it(self):
    for end in (signal.SIGINT, signal.SIGTERM):
      with target('--lun', 'ram:1M', '--listen', 'tcp://127.0.0.1:0', '--threads', '2') as child:
        where = address(harness.read_line(child))
        with socket.create_connection(where, timeout=20) as idle:
          child.send_signal(end)
          self.assertEqual(child.wait(timeout=20), 0)
          self.assertEqual(idle.recv(1), b'')
        with self.assertRaises(ConnectionRefusedError):
          socket.create_connection(where, timeout=20)

  def test_a_second_signal_ends_it_at_once(self):
    with target('--lun', 'ram:1M', '--listen', 'tcp://127.0.0.1:0') as child:
      harness.read_line(child)
      child.send_signal(signal.SIGINT)
      child.send_signal(signal.SIGTERM)
      self.assertIn(child.wait(timeout=20), (0, -signal.SIGTERM))


if __name__ == '__main__':
  unittest.main()
