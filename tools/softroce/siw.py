"""siw (software iWARP) for Debian's kernel, which is built without it: the module is compiled from
Debian's own sources, by unpacked packages in the cache.
"""

import glob
import os
import re
import shutil
import tarfile

import cache
import guest_kernel
import programs
from errors import Unavailable

SOURCE = 'drivers/infiniband/sw/siw'


def module_for(kernel, folder):
  """The path of siw.ko; empty where the kernel's own modules have it."""
  modules = os.path.join(kernel.base, 'lib', 'modules', kernel.version)
  if glob.glob(os.path.join(modules, 'kernel', SOURCE, 'siw.ko*')):
    return ''
  if not kernel.debian:
    raise Unavailable(f'the kernel {kernel.version} has no siw module (CONFIG_RDMA_SIW=m)')
  made = cache.made_once(os.path.join(folder, 'siw', kernel.version),
                         lambda work: build(kernel.version, work))
  return os.path.join(made, 'siw.ko')


def packages_of(version):
  """The packages that the build takes: "6.1.0-41-amd64" has headers, common headers, kbuild and
  source.
  """
  series = re.match(r'\d+\.\d+', version)[0]
  common = re.sub(r'-[a-z0-9]+$', '-common', version)
  return (f'linux-headers-{version}', f'linux-headers-{common}', f'linux-kbuild-{series}',
          f'linux-source-{series}')


def build(version, work):
  unpacked = os.path.join(work, 'unpacked')
  for package in packages_of(version):
    file = guest_kernel.download(package, work)
    programs.run('dpkg-deb', '-x', file, unpacked, limit_s=600)
    os.unlink(file)
  headers = os.path.join(unpacked, 'usr', 'src', f'linux-headers-{version}')
  _point_into(headers, unpacked)
  source = os.path.join(work, 'source')
  archive = glob.glob(os.path.join(unpacked, 'usr', 'src', 'linux-source-*.tar.xz'))[0]
  with tarfile.open(archive) as tar:
    prefix = os.path.basename(archive)[:-len('.tar.xz')]
    wanted = [entry for entry in tar if entry.name.startswith(f'{prefix}/{SOURCE}/')]
    tar.extractall(source, wanted)
  siw = os.path.join(source, prefix, SOURCE)
  programs.find('gcc-12')
  programs.run('make', '-C', headers, f'M={siw}', 'CONFIG_RDMA_SIW=m', 'modules', limit_s=600)
  shutil.copyfile(os.path.join(siw, 'siw.ko'), os.path.join(work, 'siw.ko'))
  shutil.rmtree(unpacked)
  shutil.rmtree(source)


def _point_into(headers, unpacked):
  """The headers' makefiles name /usr/src and /usr/lib: lets them name the unpacked packages."""
  for name in ('Makefile', '.kernelvariables'):
    path = os.path.join(headers, name)
    if os.path.exists(path):
      with open(path, encoding='utf-8') as file:
        text = file.read()
      with open(path, 'w', encoding='utf-8') as file:
        file.write(re.sub(r'(?<![\w/.])/usr/(src|lib)/', rf'{unpacked}/usr/\1/', text))
