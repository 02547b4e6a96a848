"""What the tests against foreign peers share: start a server, run a program, clean up.

Servers listen on loopback, on ports that the kernel chooses. Nothing waits for a fixed time: each
wait ends with what it waits for, or fails at its limit.
"""

import contextlib
import os
import select
import socket
import subprocess
import tempfile
import time
import unittest

LIMIT_S = 120
# Where programs of system administrators are, which not every user's PATH names.
SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def pushpull_binary():
  """The pushpull that the test was given as data."""
  return os.path.join(os.environ['TEST_SRCDIR'], os.environ['TEST_WORKSPACE'],
                      'tools/pushpull/pushpull')


def data_file(path):
  """A file of the workspace that the test was given as data."""
  return os.path.join(os.environ['TEST_SRCDIR'], os.environ['TEST_WORKSPACE'], path)


def scratch():
  """A folder for this test."""
  return tempfile.mkdtemp(dir=os.environ.get('TEST_TMPDIR'))


def run(*command, ok=(0,), limit_s=LIMIT_S, **options):
  """Runs a program to its end; its output. Fails on an exit code that isn't in `ok`."""
  done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                        errors='replace', timeout=limit_s, stdin=subprocess.DEVNULL, check=False,
                        **options)
  if done.returncode not in ok:
    raise AssertionError(f'{" ".join(command)}: exit code {done.returncode}\n{done.stdout}')
  return done.stdout


def run_pushpull(*arguments, **options):
  return run(pushpull_binary(), *arguments, **options)


class CommandLine(unittest.TestCase):
  """Tests of what a command says, and of its exit code."""

  def complains(self, code, message, *arguments):
    done = subprocess.run([pushpull_binary(), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=LIMIT_S, check=False)
    self.assertEqual(done.returncode, code, done.stdout + done.stderr)
    self.assertIn(message, done.stdout + done.stderr)
    return done.stdout + done.stderr


@contextlib.contextmanager
def process(*command, **options):
  """A program that is ended when the block is left."""
  with subprocess.Popen(command, stdin=subprocess.DEVNULL, **options) as child:
    try:
      yield child
    finally:
      if child.poll() is None:
        child.terminate()
        try:
          child.wait(timeout=20)
        except subprocess.TimeoutExpired:
          child.kill()


def read_line(child, limit_s=30):
  """The next line of the child's standard output, which is a pipe."""
  # Byte by byte: of what a buffer took beyond the line, select knows nothing.
  pipe = child.stdout.fileno()
  line = b''
  while not line.endswith(b'\n') and select.select([pipe], [], [], limit_s)[0]:
    byte = os.read(pipe, 1)
    if not byte:
      break
    line += byte
  if not line:
    raise AssertionError(f'no line from the server; exit code {child.poll()}')
  return line.decode().strip()


@contextlib.contextmanager
def reference_target(*arguments):
  """`pushpull target` on loopback; the URI that it says it is ready at, its name included."""
  command = [pushpull_binary(), 'target', '--listen', 'tcp://127.0.0.1:0', *arguments]
  with process(*command, stdout=subprocess.PIPE, text=True) as child:
    line = read_line(child)
    if not line.startswith('ready '):
      raise AssertionError(f'not a ready line: {line}')
    yield line.split()[1]
    child.terminate()
    if child.wait(timeout=20) != 0:
      raise AssertionError(f'the target ended with {child.returncode}')


def libiscsi_url(uri, lun=0):
  """tcp://HOST:PORT/IQN as libiscsi and QEMU write it."""
  return uri.replace('tcp://', 'iscsi://', 1) + f'/{lun}'


def free_port():
  """A port that nobody listens on. (For servers that can't be told to choose one.)"""
  with socket.socket() as probe:
    probe.bind(('127.0.0.1', 0))
    return probe.getsockname()[1]


def until(condition, what, limit_s=30):
  """Asks until the condition holds."""
  end = time.monotonic() + limit_s
  while not condition():
    if time.monotonic() > end:
      raise AssertionError(f'{what}: not within {limit_s} s')
    select.select([], [], [], 0.02)


def listens(port):
  with socket.socket() as probe:
    return probe.connect_ex(('127.0.0.1', port)) == 0
