"""A guest in which the target serves a disk is killed, twenty times, while initiators work on it.

What the guest's kernel had only in its memory is gone with it. From outside, what is left on the
disk is held against what the initiators were told: their log left the guest line by line before
they went on.
"""

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import unittest

from tools.peers import harness

SKIPPED = 77
KILLS = 20
LUN_BYTES = 4 << 20
FILE_SYSTEM_BYTES = 64 << 20
BOOT_AND_WORK_S = 200
# The disk itself and a file in a file system, with the guest's page cache and without.
KINDS = (('/dev/vda', ''), ('/mnt/lun0', ''), ('/dev/vda', ',direct'), ('/mnt/lun0', ',direct'))

IN_GUEST = """
set -e
modprobe -a virtio_blk ext4
case {lun} in /mnt/*) mkdir -p /mnt; mount /dev/vda /mnt ;; esac
{pushpull} target {bugs} --lun file:{lun}{options} --listen tcp://127.0.0.1:0 >/run/ready &
for _ in $(seq 3000); do ! grep -q ready /run/ready || break; busybox usleep 20000; done
read -r _ uri </run/ready
exec {client} "$uri" {blocks} {seed}
"""


def make_image(path, lun):
  size = FILE_SYSTEM_BYTES if lun.startswith('/mnt/') else LUN_BYTES
  with open(path, 'wb') as file:
    file.truncate(size)
  if lun.startswith('/mnt/'):
    folder = path + '.files'
    os.mkdir(folder)
    with open(os.path.join(folder, 'lun0'), 'wb') as file:
      file.truncate(LUN_BYTES)
    harness.run('mkfs.ext4', '-q', '-F', '-d', folder, path)


def lun_of(image, lun):
  """The file that has the LUN's bytes, after what a boot would mend."""
  if not lun.startswith('/mnt/'):
    return image
  harness.run('e2fsck', '-fy', image, ok=(0, 1))
  harness.run('debugfs', '-R', f'dump /lun0 {image}.lun', image)
  return image + '.lun'


def parents():
  """Of each process, the one that started it, and its name."""
  found = {}
  for entry in os.listdir('/proc'):
    if entry.isdigit():
      try:
        with open(f'/proc/{entry}/stat', encoding='ascii', errors='replace') as file:
          text = file.read()
      except OSError:
        continue
      name, rest = text.split('(', 1)[1].rsplit(')', 1)
      found[int(entry)] = (int(rest.split()[1]), name)
  return found


def qemu_of(pid):
  """The QEMU that a process of ours started, at any remove."""
  all_of = parents()
  for candidate, (parent, name) in all_of.items():
    if name.startswith('qemu-system'):
      while parent in all_of and parent != pid:
        parent = all_of[parent][0]
      if parent == pid:
        return candidate
  raise AssertionError('no QEMU runs')


class CrashTest(unittest.TestCase):

  def crash(self, image, log, lun, options, seed, bugs=''):
    """Boots, lets initiators work, and kills the guest after some of their events."""
    events = random.Random(seed).randrange(100, 2500)
    script = IN_GUEST.format(
        lun=lun, options=options, bugs=bugs, blocks=LUN_BYTES // 512, seed=seed,
        pushpull=shlex.quote(os.path.realpath(harness.pushpull_binary())),
        client=shlex.quote(os.path.realpath(harness.data_file('tools/crash/crash_client'))))
    require = ['--require-guest'] if os.environ.get('PUSHPULL_REQUIRE_GUEST') else []
    command = [harness.pushpull_binary(), 'softroce', '--where', 'guest', *require, '--disk', image,
               '--cpus', '1', '--memory-mib', '1024', '--timeout-s', str(BOOT_AND_WORK_S), '--',
               'bash', '-c', script]
    with harness.process(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
      lines = 0
      with open(log, 'wb') as file:
        for line in child.stdout:
          file.write(line)
          lines += 1
          if lines == events:
            os.kill(qemu_of(child.pid), signal.SIGKILL)
      words = child.stderr.read().decode(errors='replace')
      if child.wait(timeout=60) == SKIPPED:
        print(f'SKIPPED: {words}', flush=True)  # tools/test_summary.py reads it
        self.skipTest(words)
    self.assertGreaterEqual(lines, events, f'the guest ended before it was killed: {words}')

  def verdict_of(self, lun, options, seed, bugs=''):
    """Of one killed guest: crash_judge's line."""
    folder = harness.scratch()
    image = os.path.join(folder, 'disk')
    log = os.path.join(folder, 'log')
    make_image(image, lun)
    self.crash(image, log, lun, options, seed, bugs)
    judge = harness.data_file('tools/crash/crash_judge')
    verdict = harness.run(judge, log, lun_of(image, lun), ok=(0, 1)).strip()
    print(f'seed {seed}, {lun}{options} {bugs}: {verdict}', file=sys.stderr, flush=True)
    shutil.rmtree(folder)
    return verdict

  def test_what_was_promised_is_on_the_disk(self):
    for kill in range(KILLS):
      lun, options = KINDS[kill % len(KINDS)]
      with self.subTest(kill=kill + 1, lun=lun + options):
        verdict = self.verdict_of(lun, options, seed=kill + 1)
        self.assertTrue(verdict.startswith('0 blocks are wrong'), verdict)

  def test_a_broken_promise_is_found(self):
    # With this seed flushes are seldom: what isn't made durable by itself isn't for long.
    verdict = self.verdict_of('/dev/vda', '', 104, '--bug fua_ignored')
    self.assertIn('promised to be on the medium', verdict)


if __name__ == '__main__':
  os.environ['PATH'] = harness.SYSTEM_PATH  # the guest's, too
  unittest.main()
