"""Soft-RoCE on this machine's own kernel: a device of our own, taken away again behind."""

import os
import signal
import subprocess

import programs
from errors import TIME_LIMIT, Failure, Unavailable

NETDEV = 'pushpull0'
ADDRESS = '192.0.2.1'  # TEST-NET-1 (RFC 5737)
MODULES = {'rxe': ('rdma_rxe', 'rdma_ucm'), 'siw': ('siw', 'rdma_ucm')}


def check(kind):
  """Fails with Unavailable where this kernel can't have a device of that kind."""
  if os.geteuid() != 0:
    raise Unavailable('making a soft-RoCE device on this kernel needs root')
  for module in MODULES[kind]:
    if not os.path.isdir(f'/sys/module/{module}'):
      programs.run('modprobe', module)


def run(kind, mtu, command, limit_s):
  """Makes the device, runs the command with it, takes it away; the command's exit status."""
  if os.path.exists(f'/sys/class/net/{NETDEV}'):
    raise Failure(2, f'{NETDEV} exists: another run, or what one left behind '
                  f'(ip link delete {NETDEV})')
  device = f'{kind}_{NETDEV}'
  programs.run('ip', 'link', 'add', NETDEV, 'type', 'dummy')
  try:
    programs.run('ip', 'address', 'add', f'{ADDRESS}/24', 'dev', NETDEV)
    programs.run('ip', 'link', 'set', NETDEV, 'mtu', mtu, 'up')
    programs.run('rdma', 'link', 'add', device, 'type', kind, 'netdev', NETDEV)
    return _command(kind, command, limit_s)
  finally:
    if os.path.exists(f'/sys/class/infiniband/{device}'):
      programs.run('rdma', 'link', 'delete', device)
    programs.run('ip', 'link', 'delete', NETDEV)


def _command(kind, command, limit_s):
  environment = {**os.environ, 'PUSHPULL_RDMA_KIND': kind, 'PUSHPULL_RDMA_ADDRESS': ADDRESS,
                 'PUSHPULL_RDMA_PEER_ADDRESS': ''}
  try:
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                             start_new_session=True)
  except OSError as error:
    raise Failure(127, f'{command[0]}: {error.strerror}') from error
  with child:
    try:
      status = child.wait(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
      os.killpg(child.pid, signal.SIGKILL)
      raise Failure(TIME_LIMIT, f'the command took more than {limit_s:g} s: see --timeout-s'
                   ) from error
    except BaseException:
      os.killpg(child.pid, signal.SIGKILL)
      raise
  return status if status >= 0 else 128 - status
