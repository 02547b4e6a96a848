"""Boots the guest, runs the command in it, and brings out its output and exit status.

Three ports lead out of the guest: standard output, standard error, and control, on which the guest
says "started", then "exit STATUS" or "failed WHY". Each wait has a limit.
"""

import dataclasses
import os
import selectors
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

import cache
import dmesg
import initramfs
import programs
import tsc
from errors import DIED, TIME_LIMIT, Failure

PORTS = ('out', 'err', 'control')
ADDRESS = '192.0.2.1'  # TEST-NET-1 (RFC 5737)
PEER_ADDRESS = '192.0.2.2'
# What is this machine's own and would mislead the command.
NOT_PASSED = {'_', 'DBUS_SESSION_BUS_ADDRESS', 'OLDPWD', 'PWD', 'SHLVL', 'SSH_AUTH_SOCK'}


@dataclasses.dataclass
class Settings:
  kind: str = 'rxe'
  link: str = 'dummy'
  mtu: int = 4200
  memory_mib: int = 2048
  cpus: int = 2
  boot_limit_s: float = 120
  limit_s: float = 600
  append: str = ''
  accel: str = 'tcg'
  siw_module: str = ''
  shares: tuple = ()
  disks: tuple = ()
  keep_logs: str = ''
  fail_on_warning: bool = False


def clock_words(settings):
  """Tells a guest that reads this machine's counter how fast that is."""
  rate = tsc.khz() if settings.accel == 'tcg' else 0
  return f'tsc_early_khz={rate} ' if rate else ''


def qemu_command(kernel, initrd, run, settings):
  accel = 'tcg,thread=multi' if settings.accel == 'tcg' else settings.accel
  cpu = 'max' if settings.accel == 'tcg' else 'host'
  command = [
      programs.find('qemu-system-x86_64'), '-machine', 'q35', '-accel', accel, '-cpu', cpu,
      '-smp', str(settings.cpus), '-m', str(settings.memory_mib), '-nodefaults',
      '-no-user-config', '-net', 'none', '-display', 'none', '-no-reboot',
      '-serial', f'file:{run}/console.log', '-device', 'virtio-rng-pci',
      '-device', 'virtio-serial-pci',
  ]
  for port in PORTS:
    command += ['-chardev', f'socket,id={port},path={run}/{port}.socket',
                '-device', f'virtserialport,chardev={port},name=pushpull.{port}']
  # QEMU reads a doubled comma in a value as a comma.
  command += ['-fsdev', 'local,id=root,path=/,security_model=none,readonly=on,multidevs=remap',
              '-device', 'virtio-9p-pci,fsdev=root,mount_tag=hostroot']
  for number, share in enumerate(settings.shares):
    path = share.replace(',', ',,')
    command += ['-fsdev', f'local,id=share{number},path={path},security_model=none',
                '-device', f'virtio-9p-pci,fsdev=share{number},mount_tag=share{number}']
  # Past this machine's page cache: what the guest was told is written is in the file.
  for number, disk in enumerate(settings.disks):
    path = disk.replace(',', ',,')
    command += ['-drive',
                f'if=none,id=disk{number},file={path},format=raw,cache=none,discard=unmap',
                '-device', f'virtio-blk-pci,drive=disk{number}']
  words = ('console=ttyS0 panic=-1 oops=panic nokaslr mitigations=off random.trust_cpu=on '
           'tsc=reliable no_timer_check loglevel=7 '
           f'{clock_words(settings)}'
           f'pushpull.version={kernel.version} pushpull.base={kernel.base} pushpull.run={run} '
           f'{settings.append}')
  return command + ['-kernel', kernel.image, '-initrd', initrd, '-append', words.strip()]


def write_run_folder(run, command, settings):
  """What setup.sh reads, by the same path inside the guest."""
  here = os.path.dirname(os.path.abspath(__file__))
  # The program may be one file (an archive): then its loader knows the scripts' text.
  for name in ('setup.sh', 'link.sh'):
    with open(os.path.join(run, name), 'wb') as file:
      file.write(__loader__.get_data(os.path.join(here, name)))
    os.chmod(file.name, 0o755)
  values = {
      'kind': settings.kind, 'link': settings.link, 'mtu': str(settings.mtu),
      'address': ADDRESS, 'peer_address': PEER_ADDRESS, 'siw_module': settings.siw_module,
  }
  with open(os.path.join(run, 'settings'), 'w', encoding='utf-8') as file:
    for name, value in values.items():
      file.write(f'{name}={shlex.quote(value)}\n')
    file.write(f'shares=({" ".join(map(shlex.quote, settings.shares))})\n')
  with open(os.path.join(run, 'command'), 'w', encoding='utf-8', errors='surrogateescape') as file:
    for name, value in sorted(os.environ.items()):
      if name.isidentifier() and name not in NOT_PASSED:
        file.write(f'export {name}={shlex.quote(value)}\n')
    for name in ('KIND', 'ADDRESS', 'PEER_ADDRESS', 'LINK'):
      file.write(f'export PUSHPULL_RDMA_{name}=${{PUSHPULL_RDMA_{name}}}\n')
    file.write(f'cd {shlex.quote(os.getcwd())} || exit 126\n')
    file.write('exec ' + ' '.join(map(shlex.quote, command)) + '\n')


class Relay:
  """Our ends of the ports: copies the two outputs, and collects what control says."""

  def __init__(self, run, outputs):
    self.control = b''
    self._selector = selectors.DefaultSelector()
    self._open = 0
    self._moved = 0
    for port in PORTS:
      server = socket.socket(socket.AF_UNIX)
      # A path in a socket's address is short; the folder's may not be.
      with _inside(run):
        server.bind(f'{port}.socket')
      server.listen(1)
      self._selector.register(server, selectors.EVENT_READ, (self._accept, outputs.get(port)))
      self._open += 1

  def step(self, timeout_s):
    """Moves what there is; waits for it up to `timeout_s`. False when all ports have ended."""
    for key, _ in self._selector.select(timeout_s):
      action, output = key.data
      action(key.fileobj, output)
    return self._open > 0

  def drain(self):
    """What is left in the sockets of a guest that has ended."""
    while self._open > 0:
      before = self._moved
      self.step(0)
      if self._moved == before:
        return

  def close(self):
    for key in list(self._selector.get_map().values()):
      key.fileobj.close()
    self._selector.close()

  def _accept(self, server, output):
    connection, _ = server.accept()
    self._moved += 1
    self._selector.unregister(server)
    server.close()
    self._selector.register(connection, selectors.EVENT_READ, (self._copy, output))

  def _copy(self, connection, output):
    data = connection.recv(1 << 16)
    self._moved += 1
    if not data:
      self._selector.unregister(connection)
      connection.close()
      self._open -= 1
    elif output is None:
      self.control = (self.control + data)[:1 << 16]
    else:
      while data:
        data = data[os.write(output, data):]


class _inside:  # pylint: disable=invalid-name
  """The working folder, for a while."""

  def __init__(self, folder):
    self._folder = folder

  def __enter__(self):
    self._back = os.open('.', os.O_RDONLY | os.O_DIRECTORY)
    os.chdir(self._folder)

  def __exit__(self, *_):
    os.fchdir(self._back)
    os.close(self._back)


def watch(qemu, relay, settings, clock=time.monotonic):
  """Waits for the end; the status that the guest told, or None where it ended without one."""
  deadline = clock() + settings.boot_limit_s
  started = False
  while qemu.poll() is None:
    left = deadline - clock()
    if left <= 0:
      what = 'the command took' if started else 'the guest took'
      limit = settings.limit_s if started else settings.boot_limit_s
      raise Failure(TIME_LIMIT, f'{what} more than {limit:g} s' +
                    ('' if started else ' to boot') + ': see --timeout-s and --boot-timeout-s')
    relay.step(min(left, 0.2))
    if not started and b'started\n' in relay.control:
      started = True
      deadline = clock() + settings.limit_s
  relay.drain()
  return status_of(relay.control)


def status_of(control):
  """What the guest said last: an exit status; None for nothing. Fails where it failed."""
  for line in control.decode(errors='replace').splitlines():
    if line.startswith('exit '):
      return int(line.split()[1])
    if line.startswith('failed '):
      raise Failure(DIED, 'in the guest: ' + line[len('failed '):])
  return None


def run(kernel, command, settings, folder, outputs):
  """Runs `command` in a guest; its exit status. `outputs`: descriptors for out and err."""
  runs = os.path.join(folder, 'runs')
  os.makedirs(runs, exist_ok=True)
  run_folder = tempfile.mkdtemp(prefix='run-', dir=runs)
  log = os.path.join(run_folder, 'console.log')
  try:
    write_run_folder(run_folder, command, settings)
    initrd = initrd_of(kernel, folder)
    relay = Relay(run_folder, outputs)
    try:
      status = boot(qemu_command(kernel, initrd, run_folder, settings), relay, settings)
    finally:
      relay.close()
      kept = dmesg.keep(log, settings.keep_logs)
  except Failure as failure:
    raise Failure(failure.status, f'{failure}{dmesg.tail_of(log)}') from failure
  finally:
    shutil.rmtree(run_folder, ignore_errors=True)
  return dmesg.verdict(kept, status, settings)


def boot(command, relay, settings):
  with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        stderr=subprocess.PIPE, start_new_session=True) as qemu:
    try:
      status = watch(qemu, relay, settings)
    finally:
      if qemu.poll() is None:
        qemu.kill()
      words = qemu.communicate(timeout=30)[1].decode(errors='replace').strip()
  if status is None and words:
    raise Failure(DIED, f'QEMU: {words}')
  return status


def initrd_of(kernel, folder):
  """The guest's first file system, made once for each kernel and each init.sh."""
  here = os.path.dirname(os.path.abspath(__file__))
  init = __loader__.get_data(os.path.join(here, 'init.sh'))
  name = cache.key(kernel.version, kernel.base, os.stat(kernel.image).st_mtime_ns, init)

  def make(work):
    with open(os.path.join(work, 'initrd'), 'wb') as file:
      file.write(initramfs.make(kernel, init))

  return os.path.join(cache.made_once(os.path.join(folder, 'initrd', name), make), 'initrd')
