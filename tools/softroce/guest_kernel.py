"""The kernel that the guest boots: Debian's stock kernel from its package, or the user's own.

A Kernel has `version`, `image` (what QEMU's -kernel takes) and `base`: modules are in
base/lib/modules/VERSION. Debian's package is unpacked into the cache, never installed.
"""

import dataclasses
import glob
import lzma
import os
import re
import struct

import cache
import programs
from errors import USAGE, Failure, Unavailable

META_PACKAGE = 'linux-image-amd64'


@dataclasses.dataclass(frozen=True)
class Kernel:
  version: str
  image: str
  base: str
  debian: bool


def download(package, folder):
  """Fetches a Debian package's file into `folder`; its path."""
  programs.run('apt-get', '-qq', '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3',
               'download', package, cwd=folder, limit_s=600)
  found = glob.glob(os.path.join(folder, package + '_*.deb'))
  if len(found) != 1:
    raise Unavailable(f'apt-get download {package} left {len(found)} files')
  return found[0]


def payload_of(image):
  """The ELF kernel inside a bzImage, by the boot protocol's payload_offset and payload_length."""
  sectors = image[0x1f1] or 4
  offset, length = struct.unpack_from('<II', image, 0x248)
  start = (sectors + 1) * 512 + offset
  payload = image[start:start + length]
  if payload.startswith(b'\xfd7zX'):
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(payload)
  if payload.startswith(b'\x28\xb5\x2f\xfd'):
    # The last four bytes are the size, put there by the kernel's build.
    return programs.run('zstd', '-dcq', input=payload[:-4], stdin=None)
  raise Unavailable(f'the kernel is packed in an unknown way ({payload[:6].hex()})')


def newest_cached(folder):
  """The version of the newest kernel in the cache, or None."""
  versions = [os.path.basename(path) for path in glob.glob(os.path.join(folder, 'debian', '*'))
              if os.path.exists(os.path.join(path, 'vmlinux'))]
  numbers = lambda version: [int(number) for number in re.findall(r'\d+', version)]
  return max(versions, key=numbers, default=None)


def debian(folder):
  """Debian's current stock kernel; without a package list the newest one that is cached."""
  found = re.search(r'Depends: (linux-image-\S+)',
                    programs.run('apt-cache', 'depends', META_PACKAGE).decode()
                    if _has_lists() else '')
  version = found[1][len('linux-image-'):] if found else newest_cached(folder)
  if version is None:
    raise Unavailable(f'no kernel in {folder}, and apt knows no {META_PACKAGE}: apt-get update')

  def make(work):
    package = download('linux-image-' + version, work)
    programs.run('dpkg-deb', '-x', package, work)
    os.unlink(package)
    programs.run('depmod', '-b', work, version)
    with open(os.path.join(work, 'boot', 'vmlinuz-' + version), 'rb') as file:
      image = payload_of(file.read())
    with open(os.path.join(work, 'vmlinux'), 'wb') as file:
      file.write(image)

  base = cache.made_once(os.path.join(folder, 'debian', version), make)
  return Kernel(version, os.path.join(base, 'vmlinux'), base, True)


def _has_lists():
  try:
    return b'Depends: linux-image-' in programs.run('apt-cache', 'depends', META_PACKAGE)
  except Unavailable:
    return False


def own(image, modules):
  """The user's kernel. `modules`: what holds lib/modules/VERSION, or that folder itself."""
  if not os.path.isfile(image):
    raise Failure(USAGE, f'--kernel {image}: no such file. A vmlinux or a bzImage is wanted.')
  modules = os.path.abspath(modules)
  for folder in (os.path.join(modules, 'lib', 'modules', '*'), os.path.join(modules, '*'), modules):
    versions = [os.path.dirname(path) for path in glob.glob(os.path.join(folder, 'kernel'))]
    if len(versions) > 1:
      raise Failure(USAGE, f'--modules {modules} holds several kernels: name the folder of one')
    if versions:
      return _own(os.path.abspath(image), versions[0])
  raise Failure(USAGE, f'--modules {modules}: no kernel/ folder in it nor in lib/modules/VERSION '
                f'below it. Make it by: make modules_install INSTALL_MOD_PATH={modules}')


def _own(image, modules):
  version = os.path.basename(modules)
  base = modules[:-len(os.path.join('lib', 'modules', version))].rstrip('/')
  if os.path.join(base, 'lib', 'modules', version) != modules:
    raise Failure(USAGE, f'{modules}: modules are looked for in .../lib/modules/{version}')
  if not os.path.exists(os.path.join(modules, 'modules.dep')):
    raise Failure(USAGE, f'{modules}/modules.dep is missing: depmod -b {base} {version}')
  return Kernel(version, image, base, False)
