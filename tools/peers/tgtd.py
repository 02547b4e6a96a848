"""tgt's daemon (Debian's package tgt) on loopback, with one disk as LUN 1."""

import contextlib
import os
import shutil
import subprocess

from tools.peers import harness

NAME = 'iqn.2026-11.org.pushpull:tgt'


@contextlib.contextmanager
def serving(size_mib=64, chap=None):
  """The URI of its LUN. `chap`: the user and the secret that it asks for."""
  with daemon(harness.scratch(), size_mib, chap) as (uri, _):
    yield uri


@contextlib.contextmanager
def daemon(folder, size_mib=64, chap=None):
  """The URI, and the number of its process; the disk is a file in `folder`."""
  disk = os.path.join(folder, 'disk.img')
  with open(disk, 'wb') as file:
    file.truncate(size_mib << 20)
  # The socket's path is short, whatever the test's folder is called.
  sockets = subprocess.run(['mktemp', '-d'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.strip()
  environment = dict(os.environ, TGT_IPC_SOCKET=os.path.join(sockets, 'ipc'),
                     PATH=f'{os.environ.get("PATH", os.defpath)}:/usr/sbin')
  port = harness.free_port()
  control = '1'

  def admin(*arguments):
    harness.run('tgtadm', '-C', control, '--lld', 'iscsi', *arguments, env=environment)

  try:
    with open(os.path.join(folder, 'tgtd.log'), 'wb') as log:
      with harness.process('tgtd', '-f', '-C', control, '--iscsi', f'portal=127.0.0.1:{port}',
                           env=environment, stdout=log, stderr=log) as child:
        harness.until(lambda: harness.listens(port) or child.poll() is not None, 'tgtd listens')
        admin('--op', 'new', '--mode', 'target', '--tid', '1', '-T', NAME)
        admin('--op', 'new', '--mode', 'logicalunit', '--tid', '1', '--lun', '1', '-b', disk)
        admin('--op', 'bind', '--mode', 'target', '--tid', '1', '-I', 'ALL')
        if chap:
          admin('--op', 'new', '--mode', 'account', '--user', chap[0], '--password', chap[1])
          admin('--op', 'bind', '--mode', 'account', '--tid', '1', '--user', chap[0])
        try:
          yield f'tcp://127.0.0.1:{port}/{NAME}', child.pid
        finally:
          # It doesn't end on SIGTERM while it has targets.
          child.kill()
  finally:
    shutil.rmtree(sockets, ignore_errors=True)
