"""istgt (Debian's package istgt) on loopback, with one disk as LUN 0."""

import contextlib
import os
import signal
import stat
import subprocess

from tools.peers import harness

NAME = 'iqn.2026-11.org.pushpull:istgt'

CONFIGURATION = '''[Global]
  NodeBase "iqn.2026-11.org.pushpull"
  PidFile {folder}/pid
  AuthFile {folder}/auth.conf
  MediaDirectory {folder}
  LogFacility "local7"
  Timeout 30
  NopInInterval 20
  DiscoveryAuthMethod Auto
  MaxSessions 64
  MaxConnections 4
  MaxR2T 32
  MaxOutstandingR2T 16
  DefaultTime2Wait 2
  DefaultTime2Retain 60
  FirstBurstLength 262144
  MaxBurstLength 1048576
  MaxRecvDataSegmentLength 262144
  InitialR2T Yes
  ImmediateData Yes
  DataPDUInOrder Yes
  DataSequenceInOrder Yes
  ErrorRecoveryLevel 0
[UnitControl]
  AuthMethod None
  Portal UC1 127.0.0.1:{control}
  Netmask 127.0.0.1
[PortalGroup1]
  Portal DA1 127.0.0.1:{port}
[InitiatorGroup1]
  InitiatorName "ALL"
  Netmask 127.0.0.1/32
[LogicalUnit1]
  TargetName istgt
  TargetAlias "disk"
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod None
  UseDigest Auto
  UnitType Disk
  LUN0 Storage {folder}/disk.img {size_mib}MB
'''

# Ends the daemon that there is, and starts another: what a run does where a case was the end of it.
START = '''#!/bin/sh
if [ -s {folder}/pid ]; then
  old=$(cat {folder}/pid)
  kill -KILL "$old" 2>/dev/null
  while kill -0 "$old" 2>/dev/null; do sleep 0.05; done
  rm -f {folder}/pid
  echo "---- started again after $PUSHPULL_CASE" >>{folder}/log
fi
PATH=$PATH:/usr/sbin
setsid istgt -D -q -c {folder}/istgt.conf </dev/null >>{folder}/log 2>&1 &
echo $! >{folder}/started
'''


@contextlib.contextmanager
def serving(size_mib=64):
  """The URI of its target, and the command that starts it again."""
  folder = harness.scratch()
  port, control = harness.free_port(), harness.free_port()
  with open(os.path.join(folder, 'disk.img'), 'wb') as file:
    file.truncate(size_mib << 20)
  for name, text, mode in (('istgt.conf', CONFIGURATION, 0o600), ('auth.conf', '', 0o600),
                           ('start', START, stat.S_IRWXU)):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='ascii') as file:
      file.write(text.format(folder=folder, port=port, control=control,
                             size_mib=size_mib))
    os.chmod(path, mode)
  start = os.path.join(folder, 'start')
  try:
    subprocess.run([start], check=True, timeout=harness.LIMIT_S)
    harness.until(lambda: harness.listens(port), 'istgt listens')
    yield f'tcp://127.0.0.1:{port}/{NAME}', start
  finally:
    with contextlib.suppress(OSError, ValueError):
      with open(os.path.join(folder, 'pid'), encoding='ascii') as file:
        os.kill(int(file.read()), signal.SIGKILL)
