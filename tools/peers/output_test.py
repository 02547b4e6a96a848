"""Output, files and descriptors that run out: told as what they are, and lost is nothing."""

import fcntl
import os
import pty
import resource
import struct
import subprocess
import termios
import unittest

from tools.peers import harness


class OutputTest(harness.CommandLine):

  def test_output_that_cannot_be_written(self):
    for arguments in (('run', '--only', 'sanity/alive'), ('list',), ('target', '--list-bugs'),
                      ('--help',), ('target', '--lun', 'ram:1M', '--listen', 'tcp://127.0.0.1:0')):
      with self.subTest(arguments), open('/dev/full', 'wb') as full:
        done = subprocess.run([harness.pushpull_binary(), *arguments], stdout=full,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                              timeout=harness.LIMIT_S, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn('standard output could not be written', done.stderr)

  def test_a_reader_who_has_seen_enough_is_no_failure(self):
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, 'wb') as pipe:
      done = subprocess.run([harness.pushpull_binary(), 'list'], stdout=pipe,
                            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                            timeout=harness.LIMIT_S, check=False)
    self.assertEqual((done.returncode, done.stderr), (0, ''))

  def test_progress_fits_on_a_narrow_terminal(self):
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 40, 0, 0))
    with subprocess.Popen([harness.pushpull_binary(), 'fuzz', '--target', 'embedded:',
                           '--time', '1'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=end) as child:
      os.close(end)
      shown = b''
      try:
        while part := os.read(terminal, 4096):
          shown += part
      except OSError:  # so ends a terminal that nobody holds any more
        pass
      self.assertEqual(child.wait(timeout=harness.LIMIT_S), 0, shown)
    os.close(terminal)
    lines = [line.removesuffix(b'\x1b[K') for line in shown.split(b'\r') if b'sequences' in line]
    self.assertTrue(lines, shown)
    self.assertLess(max(map(len, lines)), 40, shown)

  def test_results_beyond_the_limit_of_a_file(self):
    done = subprocess.run([harness.pushpull_binary(), 'run', '--only', 'sanity/alive', '--out',
                           os.path.join(harness.scratch(), 'out')],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=harness.LIMIT_S, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                (4096, 4096)))
    self.assertEqual(done.returncode, 2, done.stdout)
    self.assertIn('File too large', done.stdout)

  def test_a_want_of_descriptors_is_no_fault_of_the_target(self):
    for command, count in ((('run', '--target', 'embedded:', '--jobs', '8'), 60),
                           (('fuzz', '--target', 'embedded:', '--runs', '1'), 20),
                           (('load', '--target', 'tcp://127.0.0.1:1/iqn.2026-11.org.example:t',
                             '--allow-writes', '--sessions', '500'), 256)):
      done = subprocess.run([harness.pushpull_binary(), *command], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=harness.LIMIT_S,
                            check=False,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                                  (count, count)))
      self.assertEqual(done.returncode, 2, done.stdout)
      self.assertRegex(done.stdout, f'only {count} are allowed: raise the limit .ulimit -n [0-9]+.')

  def test_results_cannot_be_written(self):
    path = os.path.join(harness.scratch(), 'taken')
    with open(path, 'w', encoding='utf-8') as file:
      file.write('x')
    self.complains(2, 'a file of that name', 'run', '--only', 'sanity/alive', '--out', path)
    for taken in (os.path.join(path, 'below'), '/proc/below'):
      self.complains(2, 'choose another with --out', 'run', '--only', 'sanity/alive', '--out',
                     taken)
    folder = harness.scratch()
    os.mkdir(os.path.join(folder, 'result.json'))
    self.complains(2, 'result.json', 'run', '--only', 'sanity/alive', '--out', folder)

  def test_one_run_at_a_time_has_a_folder(self):
    folder = harness.scratch()
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    self.complains(2, 'another run writes into', 'run', '--only', 'nop/*', '--out', folder)
    os.close(lock)
    self.complains(0, 'cases in', 'run', '--only', 'nop/*', '--out', folder)


if __name__ == '__main__':
  unittest.main()
