"""The guest's kernel log: kept, and searched for what a kernel says when it is broken."""

import os
import re
import shutil
import sys
import tempfile

from errors import DIED, Failure

FATAL = re.compile(r'BUG: |Oops: |Oops\[|general protection fault|KASAN: |Kernel panic|'
                   r'kernel BUG at|stack-protector|unable to handle')
WARNING = re.compile(r'WARNING: |UBSAN: |INFO: task .* blocked|INFO: rcu|refcount_t: |'
                     r'possible circular locking|inconsistent lock state')
# Lines of one report, at most.
REPORT_LINES = 60
END = re.compile(r'---\[ end |Rebooting in|reboot: ')


def first_report(text, pattern):
  """The lines of the first report that `pattern` begins; none where there is none."""
  lines = [line for line in text.splitlines() if 'Command line: ' not in line]
  for number, line in enumerate(lines):
    if pattern.search(line):
      report = []
      for following in lines[number:number + REPORT_LINES]:
        report.append(following)
        if END.search(following):
          break
      return report
  return []


def read(log):
  try:
    with open(log, encoding='utf-8', errors='replace') as file:
      return file.read().replace('\r', '')
  except FileNotFoundError:
    return ''


def keep(log, folder):
  """Moves the log out of the run's folder; where it lies now."""
  if not os.path.exists(log):
    return ''
  if folder:
    os.makedirs(folder, exist_ok=True)
    kept = os.path.join(folder, 'dmesg.txt')
  else:
    handle, kept = tempfile.mkstemp(prefix='pushpull-dmesg-', suffix='.txt')
    os.close(handle)
  shutil.copyfile(log, kept)
  return kept


def tail_of(log):
  """The end of a log, to stand behind an error."""
  lines = read(log).splitlines()[-12:]
  return ''.join(f'\n  | {line}' for line in lines)


def verdict(log, status, settings):
  """The exit status of the run; says on standard error what the kernel complained of."""
  text = read(log)
  fatal = first_report(text, FATAL)
  warning = first_report(text, WARNING)
  if fatal:
    raise Failure(DIED, "the guest's kernel broke" + quoted(fatal) + f'\nIts whole log: {log}')
  if status is None:
    raise Failure(DIED, f"the guest ended without the command's exit status. Its log: {log}" +
                  tail_of(log))
  if warning:
    print("pushpull softroce: the guest's kernel warned" + quoted(warning) +
          f'\nIts whole log: {log}', file=sys.stderr)
    if settings.fail_on_warning:
      return DIED
  elif not settings.keep_logs:
    os.unlink(log)
  return status


def quoted(lines):
  return ''.join(f'\n  | {line}' for line in lines)
