"""What scenes in the guest share: limits, an end for all that one started, the kernel's log.

A scene runs in a process of its own, with its output in a file. What it leaves behind is ended.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
import traceback

PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
# A process in a system call that the kernel doesn't end can't be killed: then nobody waits for it.
KILL_LIMIT_S = 10


class SceneFailed(AssertionError):
  """The scene didn't show what it is there to show."""


def require(condition, what):
  if not condition:
    raise SceneFailed(what)


def say(*words):
  """One line of the scene's log, with the time."""
  print(f'[{time.monotonic():8.2f}]', *words, flush=True)


@contextlib.contextmanager
def timed(what):
  """Notes in the log how long the block took."""
  start = time.monotonic()
  yield
  say(f'{what}: {time.monotonic() - start:.1f} s')


def modprobe(*modules):
  done = subprocess.run(['modprobe', '-a', *modules], stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
  require(done.returncode == 0, f'modprobe {" ".join(modules)}: {done.stdout}')


def adopt_orphans():
  """Lets processes whose parents end become ours, so that end_descendants finds them."""
  if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
    raise OSError(ctypes.get_errno(), 'prctl')


def descendants():
  """The processes that we started, at any remove."""
  parents = {}
  for entry in os.listdir('/proc'):
    if entry.isdigit():
      with contextlib.suppress(OSError):
        with open(f'/proc/{entry}/stat', encoding='ascii', errors='replace') as file:
          parents[int(entry)] = int(file.read().rsplit(')', 1)[1].split()[1])
  found = {os.getpid()}
  while True:
    more = {pid for pid, parent in parents.items() if parent in found} - found
    if not more:
      return found - {os.getpid()}
    found |= more


def end_descendants():
  end = time.monotonic() + KILL_LIMIT_S
  while time.monotonic() < end:
    left = descendants()
    if not left:
      return
    for pid in left:
      with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
      while os.waitpid(-1, os.WNOHANG)[0] != 0:
        pass
    select.select([], [], [], 0.02)


def show_blocked_tasks():
  """Has the kernel log where those wait that it can't end."""
  with contextlib.suppress(OSError), open('/proc/sysrq-trigger', 'w', encoding='ascii') as file:
    file.write('w')


def kernel_says(text):
  with contextlib.suppress(OSError), open('/dev/kmsg', 'w', encoding='ascii') as file:
    file.write(text)


def kernel_log_since(mark, lines=100):
  """The end of the kernel's log behind the mark."""
  done = subprocess.run(['dmesg'], stdout=subprocess.PIPE, text=True, errors='replace', timeout=30,
                        check=False)
  return '\n'.join(done.stdout.rsplit(mark, 1)[-1].splitlines()[1:][-lines:])


def play(name, scene, folder, limit_s):
  """Runs scene(folder), its output in folder/NAME.log: (what is wrong, "" for nothing; seconds)."""
  log = os.path.join(folder, f'{name}.log')
  mark = f'pushpull: scene {name} begins'
  kernel_says(mark)
  start = time.monotonic()
  sys.stdout.flush()
  child = os.fork()
  if child == 0:
    _be_the_scene(scene, folder, log)
  wrong = _outcome_of(child, limit_s)
  if wrong:
    show_blocked_tasks()
  end_descendants()
  seconds = time.monotonic() - start
  if wrong:
    with open(log, 'a', encoding='utf-8', errors='replace') as file:
      file.write(f'\n{wrong}\n---- kernel log of the scene, its end\n{kernel_log_since(mark)}\n')
  return wrong, seconds


def _outcome_of(child, limit_s):
  handle = os.pidfd_open(child)
  try:
    ended, _, _ = select.select([handle], [], [], limit_s)
    if not ended:
      return f'not over within {limit_s:g} s'
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return '' if status == 0 else f'exit status {status}'
  finally:
    os.close(handle)


def _be_the_scene(scene, folder, log):
  status = 1
  try:
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    scene(folder)
    status = 0
  except BaseException:  # pylint: disable=broad-except  # the process ends here in any case
    traceback.print_exc()
  finally:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
