"""The guest's first file system: a static busybox, the modules that reach this machine's root over
9p, and init.sh. Written as a newc archive (the kernel's Documentation/driver-api/early-userspace).
"""

import gzip
import lzma
import os
import stat

import programs
from errors import Unavailable

MODULES = ('virtio_pci', 'virtio_console', 'virtio_rng', '9pnet_virtio', '9p', 'overlay')
FOLDERS = ('bin', 'proc', 'sys', 'dev', 'host', 'tmpfs', 'newroot', 'm')


def module_files(kernel, name):
  """The files to insert for a module, in order; none for what is built in."""
  lines = programs.run('modprobe', '-S', kernel.version, '-d', kernel.base, '--show-depends',
                       name).decode().splitlines()
  return [line.split()[1] for line in lines if line.startswith('insmod ')]


def read_module(path):
  with open(path, 'rb') as file:
    contents = file.read()
  if path.endswith('.xz'):
    return lzma.decompress(contents)
  if path.endswith('.gz'):
    return gzip.decompress(contents)
  if path.endswith('.zst'):
    return programs.run('zstd', '-dcq', input=contents, stdin=None)
  return contents


class Archive:
  """A newc cpio archive in memory."""

  def __init__(self):
    self._parts = []
    self._size = 0
    self._inode = 0

  def add(self, name, mode, contents=b'', device=(0, 0)):
    self._inode += 1
    encoded = name.encode() + b'\0'
    fields = (self._inode, mode, 0, 0, 1, 0, len(contents), 0, 0, *device, len(encoded), 0)
    self._append(b'070701' + b''.join(b'%08X' % field for field in fields) + encoded)
    self._append(contents)

  def bytes(self):
    self.add('TRAILER!!!', 0)
    return b''.join(self._parts)

  def _append(self, piece):
    pad = -(self._size + len(piece)) % 4
    self._parts.append(piece + bytes(pad))
    self._size += len(piece) + pad


def make(kernel, init):
  """The archive's bytes. `init`: the script that is to be process 1."""
  archive = Archive()
  for folder in FOLDERS:
    archive.add(folder, stat.S_IFDIR | 0o755)
  archive.add('dev/console', stat.S_IFCHR | 0o600, device=(5, 1))
  busybox = programs.find('busybox')
  with open(busybox, 'rb') as file:
    contents = file.read()
  if b'/ld-linux' in contents[:4096]:
    raise Unavailable(f'{busybox} is not static. As root: apt-get install busybox-static')
  archive.add('bin/busybox', stat.S_IFREG | 0o755, contents)

  order = []
  for module in MODULES:
    for path in module_files(kernel, module):
      name = os.path.basename(path).split('.ko')[0] + '.ko'
      if name not in order:
        order.append(name)
        archive.add('m/' + name, stat.S_IFREG | 0o644, read_module(path))
  archive.add('m/order', stat.S_IFREG | 0o644, ''.join(f'{name}\n' for name in order).encode())
  archive.add('init', stat.S_IFREG | 0o755, init)
  return gzip.compress(archive.bytes(), compresslevel=1)
