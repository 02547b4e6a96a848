"""tgt's daemon with its iSER driver (Debian's package tgt), with one disk as LUN 1."""

import contextlib
import os
import signal
import stat

from tools.guest import open_iscsi
from tools.peers import harness

NAME = 'iqn.2026-11.org.pushpull:tgt'
# Its iSER driver listens here, whatever it is told.
PORT = 3260
# The last is login/longest_name's: a name that is not on the list is answered 0203 (not found).
INITIATORS = ('iqn.2026-11.org.pushpull:initiator', 'iqn.2026-11.org.pushpull:other',
              open_iscsi.INITIATOR, 'iqn.2026-11.org.pushpull:'.ljust(223, 'a'))

# Ends the daemon that there is, and starts another: what a run does where a case was the end of it.
START = '''#!/bin/sh
if [ -s {folder}/pid ]; then
  old=$(cat {folder}/pid)
  kill -KILL "$old"
  # One that has ended by itself may stay as a zombie, which can be signalled.
  until grep -qs '^State:.*Z' /proc/$old/status || [ ! -e /proc/$old ]; do sleep 0.1; done
  echo "---- restarted after $PUSHPULL_CASE" >>{folder}/tgtd.log
fi
setsid tgtd -f -C 1 --iscsi portal=127.0.0.1:13260 --iser pool_sz_mb=64 \\
    </dev/null >>{folder}/tgtd.log 2>&1 &
echo $! >{folder}/pid
admin() {{ tgtadm -C 1 --lld iser "$@"; }}
for _ in $(seq 100); do
  admin --op show --mode system >/dev/null 2>&1 && break
  sleep 0.1
done
admin --op new --mode target --tid 1 -T {name} &&
  admin --op new --mode logicalunit --tid 1 --lun 1 -b {file} &&
  admin --op bind --mode target --tid 1 -I ALL || exit
# What it registers for a login is 130 times that: with the default of 262144 that takes seconds.
admin --op update --mode target --tid 1 -n TargetRecvDataSegmentLength -v 8192 || exit
for name in {initiators}; do
  admin --op bind --mode target --tid 1 -Q "$name" || exit
done
'''


@contextlib.contextmanager
def serving(folder, address, size=64 << 20):
  """tgtd with its files in that folder: the URI of its target, and the command that restarts it."""
  os.makedirs(folder, exist_ok=True)
  file = os.path.join(folder, 'disk')
  with open(file, 'wb') as made:
    made.truncate(size)
  script = os.path.join(folder, 'start')
  with open(script, 'w', encoding='ascii') as made:
    made.write(START.format(folder=folder, name=NAME, file=file, initiators=' '.join(INITIATORS)))
  os.chmod(script, stat.S_IRWXU)
  try:
    harness.run(script)
    yield f'iser://{address}:{PORT}/{NAME}', script
  finally:
    with contextlib.suppress(OSError, ValueError):
      with open(os.path.join(folder, 'pid'), encoding='ascii') as kept:
        os.kill(int(kept.read()), signal.SIGKILL)
    with contextlib.suppress(OSError), open(os.path.join(folder, 'tgtd.log'), 'rb') as log:
      print('---- tgtd.log\n' + log.read()[-8000:].decode(errors='replace'), flush=True)
