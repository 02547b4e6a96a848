"""Other programs: started with a limit, their words kept for the error."""

import shutil
import subprocess

from errors import Unavailable

# Which Debian package brings a program that isn't everywhere.
PACKAGES = {
    'apt-get': 'apt',
    'busybox': 'busybox-static',
    'depmod': 'kmod',
    'dpkg-deb': 'dpkg',
    'gcc-12': 'gcc-12',
    'ip': 'iproute2',
    'make': 'make',
    'modprobe': 'kmod',
    'qemu-system-x86_64': 'qemu-system-x86',
    'rdma': 'iproute2',
    'xz': 'xz-utils',
    'zstd': 'zstd',
}

PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def find(name):
  """Where the program is."""
  path = shutil.which(name, path=PATH)
  if path is None:
    package = PACKAGES.get(name, name)
    raise Unavailable(f'{name} is missing. As root: apt-get install --no-install-recommends '
                      f'{package}')
  return path


def run(name, *arguments, limit_s=120, **options):
  """Runs it to its end; its standard output. Fails where it does."""
  command = [find(name), *map(str, arguments)]
  try:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=limit_s, check=False,
                          **{'stdin': subprocess.DEVNULL, **options})
  except subprocess.TimeoutExpired as error:
    raise Unavailable(f'{name} took more than {limit_s} s: {" ".join(command)}') from error
  if done.returncode != 0:
    words = done.stderr.decode(errors='replace').strip()
    raise Unavailable(f'{" ".join(command)}: exit status {done.returncode}\n{words}')
  return done.stdout
