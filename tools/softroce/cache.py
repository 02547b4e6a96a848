"""The cache folder: what is fetched or built once, complete or not there at all."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile


def default_folder():
  base = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
  return os.path.join(base, 'pushpull', 'softroce')


@contextlib.contextmanager
def lock(folder):
  """Two runs don't fetch the same thing at once."""
  os.makedirs(folder, exist_ok=True)
  with open(os.path.join(folder, 'lock'), 'w', encoding='ascii') as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    yield


def made_once(folder, make):
  """`folder`, filled by make(temporary folder) unless it is there already."""
  if os.path.isdir(folder):
    return folder
  parent = os.path.dirname(folder)
  with lock(parent):
    if os.path.isdir(folder):
      return folder
    work = tempfile.mkdtemp(prefix='making-', dir=parent)
    try:
      make(work)
      os.chmod(work, 0o755)
      os.rename(work, folder)
    finally:
      shutil.rmtree(work, ignore_errors=True)
  return folder


def key(*parts):
  """A folder name for what is made of these."""
  digest = hashlib.sha256()
  for part in parts:
    text = part if isinstance(part, bytes) else str(part).encode()
    digest.update(b'%d:' % len(text) + text)
  return digest.hexdigest()[:24]
