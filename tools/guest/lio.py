"""LIO, the kernel's own target, set up through configfs (Documentation/target in its tree)."""

import contextlib
import os
import subprocess

from tools.guest import kit

NAME = 'iqn.2026-11.org.pushpull:lio'
CONFIGFS = '/sys/kernel/config'
ROOT = f'{CONFIGFS}/target'
# Anybody may log in and write.
ATTRIBUTES = {'authentication': 0, 'generate_node_acls': 1, 'demo_mode_write_protect': 0,
              'cache_dynamic_acls': 1}


def _write(path, value):
  with open(path, 'w', encoding='ascii') as file:
    file.write(str(value))


def _mount():
  # All but the first would else be loaded under the first login, which takes seconds.
  kit.modprobe('configfs', 'target_core_mod', 'target_core_file', 'iscsi_target_mod',
               'target_core_iblock', 'target_core_pscsi', 'target_core_user', 'crc32c')
  if not os.path.isdir(ROOT):
    subprocess.run(['mount', '-t', 'configfs', 'none', CONFIGFS], timeout=30, check=True)
  for folder in ('/var/target/alua', '/var/target/pr'):
    os.makedirs(folder, exist_ok=True)


@contextlib.contextmanager
def serving(folder, address, iser=False, luns=1, size=64 << 20):
  """LIO with so many disks, of files in that folder: the URI of its target."""
  _mount()
  if iser:
    kit.modprobe('ib_isert')
  os.makedirs(folder, exist_ok=True)
  group = f'{ROOT}/iscsi/{NAME}/tpgt_1'
  portal = f'{group}/np/{address}:3260'
  os.makedirs(group)
  stores = [_add_disk(group, lun, os.path.join(folder, f'disk{lun}'), size) for lun in range(luns)]
  for name, value in ATTRIBUTES.items():
    _write(f'{group}/attrib/{name}', value)
  os.mkdir(portal)
  if iser:
    _write(f'{portal}/iser', 1)
  _write(f'{group}/enable', 1)
  yield f'{"iser" if iser else "tcp"}://{address}:3260/{NAME}'
  # Only after all went well: where sessions hang this does, too, and the scene's end is enough.
  _write(f'{group}/enable', 0)
  os.rmdir(portal)
  for lun in range(luns):
    os.unlink(f'{group}/lun/lun_{lun}/store')
    os.rmdir(f'{group}/lun/lun_{lun}')
  os.rmdir(group)
  os.rmdir(f'{ROOT}/iscsi/{NAME}')
  for store in stores:
    os.rmdir(store)


def _add_disk(group, lun, file, size):
  """A new file as that LUN: its place in configfs."""
  with open(file, 'wb') as made:
    made.truncate(size)
  store = f'{ROOT}/core/fileio_0/disk{lun}'
  os.makedirs(store)
  _write(f'{store}/control', f'fd_dev_name={file},fd_dev_size={size}')
  _write(f'{store}/enable', 1)
  # What targetcli gives each disk, too. Without one the page of the serial number is not there.
  _write(f'{store}/wwn/vpd_unit_serial', f'{lun:08x}-0000-4000-8000-000000000000')
  os.makedirs(f'{group}/lun/lun_{lun}')
  os.symlink(store, f'{group}/lun/lun_{lun}/store')
  return store
