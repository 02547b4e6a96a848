"""Linux's disks on our target, used as their users do: file systems, and sg3-utils' commands."""

import os
import re

from tools.guest import kit
from tools.guest import open_iscsi
from tools.guest import scenes_linux
from tools.peers import harness

FILES = 200
KIB = 1 << 10


def _fill(folder):
  """Files of all sizes, with folders and links; their checksums, as sha256sum checks them."""
  names = []
  for number in range(FILES):
    name = f'{number % 7}/{number % 3}/file{number}'
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
      file.write(os.urandom((number * number * 37) % (200 * KIB)))
    names.append(name)
  for name in names[::5]:
    os.unlink(os.path.join(folder, name))  # their blocks are given to others
  for name in names[1::5]:
    with open(os.path.join(folder, name), 'ab') as file:
      file.write(os.urandom(3 * KIB + 7))
  left = [name for number, name in enumerate(names) if number % 5 != 0]
  return harness.run('sha256sum', *left, cwd=folder)


def _compare(folder, sums):
  listed = '/dev/shm/sums'
  with open(listed, 'w', encoding='ascii') as file:
    file.write(sums)
  harness.run('sha256sum', '-c', '--quiet', listed, cwd=folder)


def _mounted(disk, folder, work):
  harness.run('mount', '-o', 'discard', disk, folder)
  try:
    return work()
  finally:
    harness.run('umount', folder)


def _file_system(portal, name):
  """Made, filled and checked in one session; compared in the next, which knows nothing of it."""
  folder = '/dev/shm/mounted'
  os.makedirs(folder, exist_ok=True)
  with open_iscsi.logged_in(portal, name, {}) as session:
    disk = session.disk()
    harness.run('mkfs.ext4', '-q', '-F', disk)
    sums = _mounted(disk, folder, lambda: _fill(folder))
    harness.run('e2fsck', '-fn', disk)
  with open_iscsi.logged_in(portal, name, {}) as session:
    disk = session.disk()
    harness.run('e2fsck', '-fn', disk)
    _mounted(disk, folder, lambda: (_compare(folder, sums), harness.run('fstrim', folder)))
    harness.run('e2fsck', '-fn', disk)
  return sums


def file_system(_):
  """A file system over TCP, and one over iSER."""
  kit.modprobe('ext4')
  address = os.environ['PUSHPULL_RDMA_ADDRESS']
  with scenes_linux.serving('ram:128M', f'iser://{address}:0', 'tcp://127.0.0.1:0') as served:
    rdma, tcp, name = served
    with open_iscsi.daemon('iser', 'tcp'):
      for transport, portal in (('tcp', tcp), ('iser', rdma)):
        with kit.timed(f'a file system over {transport}'):
          open_iscsi.configure({})
          kit.require(open_iscsi.discover(portal, transport) == [name], 'discovery')
          _file_system(portal, name)


# What is asked of the disk, and what the answer has to contain. A `!` says that it must fail.
INQUIRIES = (
    ('sg_inq {disk}', 'Peripheral device type: disk'),
    ('sg_inq --page=sv {disk}', 'Device identification'),
    ('sg_vpd --page=di {disk}', 'NAA'),
    ('sg_vpd --page=bl {disk}', 'Maximum unmap LBA count'),
    ('sg_vpd --page=bdc {disk}', 'Block device characteristics'),
    ('sg_vpd --page=lbpv {disk}', 'Unmap command supported'),
    ('sg_readcap --long {disk}', 'Logical block length=512 bytes'),
    ('sg_luns {disk}', 'lun'),
    ('sg_modes --all {disk}', 'Caching'),
    ('sg_opcodes {disk}', 'Read(16)'),
    ('sg_opcodes --tmf {disk}', 'Logical unit reset'),
    ('sg_opcodes --opcode=0x89 {disk}', 'Compare and write'),
    ('sg_requests {disk}', ''),
    ('sg_turs --verbose {disk}', ''),
    ('sg_rtpg --decode {disk}', 'active/optimized'),
    ('sg_sync {disk}', ''),
    ('sg_start --start {disk}', ''),
    ('sg_prevent --prevent=0 {disk}', ''),
    ('sg_verify --lba=0 --count=64 {disk}', ''),
    ('!sg_verify --lba=0x40000000 --count=1 {disk}', 'out of range'),
    ('sg_get_lba_status --lba=0 {disk}', ''),
    ('sg_readcap --16 {disk}', 'lbpme=1'),
    ('sg_dd if=/dev/urandom of={disk} bs=512 count=256 fua=2', 'records'),
    ('sg_dd if={disk} of=/dev/shm/before bs=512 count=8', 'records'),
    ('sg_compare_and_write --in=/dev/shm/pair --lba=0 --num=1 --xferlen=1024 {disk}', ''),
    ('!sg_compare_and_write --in=/dev/shm/pair --lba=0 --num=1 --xferlen=1024 {disk}',
     'iscompare'),
    ('sg_write_same --16 --in=/dev/zero --lba=64 --num=64 --xferlen=512 {disk}', ''),
    ('sg_write_same --16 --unmap --lba=64 --num=64 {disk}', ''),
    ('sg_unmap --lba=128 --num=64 {disk}', ''),
    ('sg_dd if={disk} of=/dev/shm/unmapped bs=512 skip=64 count=128', 'records'),
)
RESERVATIONS = (
    ('sg_persist --out --register --param-sark=abc123 {disk}', ''),
    ('sg_persist --in --read-keys {disk}', '0xabc123'),
    ('sg_persist --out --reserve --param-rk=abc123 --prout-type=5 {disk}', ''),
    ('sg_persist --in --read-reservation {disk}', 'Write Exclusive, registrants only'),
    ('sg_persist --in --read-full-status {disk}', 'iqn.2026-11.org.pushpull:linux'),
    ('sg_persist --in --report-capabilities {disk}', 'Persist Through Power Loss'),
    ('!sg_persist --out --reserve --param-rk=abc124 --prout-type=5 {disk}', 'onflict'),
    ('sg_persist --out --release --param-rk=abc123 --prout-type=5 {disk}', ''),
    ('sg_persist --out --clear --param-rk=abc123 {disk}', ''),
    ('sg_persist --in --read-keys {disk}', 'NO registered reservation keys'),
)


def _ask(disk, table):
  for line, wanted in table:
    must_fail = line.startswith('!')
    words = line.lstrip('!').format(disk=disk).split()
    if words[0] == 'sg_compare_and_write' and not must_fail:
      _make_pair()
    told = harness.run(*words, ok=range(1, 100) if must_fail else (0,))
    kit.say(' '.join(words))
    kit.require(wanted in told, f'{" ".join(words)}: no "{wanted}" in\n{told}')


def _make_pair():
  """What block 0 holds, and what it is to hold."""
  with open('/dev/shm/before', 'rb') as file:
    block = file.read(512)
  with open('/dev/shm/pair', 'wb') as file:
    file.write(block + bytes(byte ^ 0xff for byte in block))


def sg3_utils(_):
  """What administrators ask of disks, by sg3-utils' commands."""
  kit.modprobe('sg')
  with scenes_linux.serving('ram:64M', 'tcp://127.0.0.1:0') as (portal, name):
    with open_iscsi.daemon('tcp'):
      kit.require(open_iscsi.discover(portal) == [name], 'discovery')
      with open_iscsi.logged_in(portal, name, {}) as session:
        disk = session.disk()
        _ask(disk, INQUIRIES)
        with open('/dev/shm/unmapped', 'rb') as file:
          kit.require(not any(file.read()), 'blocks that were unmapped read as zeros')
        _ask(disk, RESERVATIONS)
        kit.require(re.search('generation', harness.run('sg_persist', '--in', '-k', disk), re.I),
                    'the generation of reservations is told')
