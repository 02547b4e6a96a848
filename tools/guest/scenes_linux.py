"""Linux's own initiators on our target: write, read back, compare."""

import contextlib
import itertools
import os

from tools.guest import disk
from tools.guest import kit
from tools.guest import open_iscsi
from tools.peers import harness

SIZE = 64 << 20


@contextlib.contextmanager
def serving(file):
  """`pushpull target` with that file as LUN 0: (its portal, its name)."""
  with open(file, 'wb') as made:
    made.truncate(SIZE)
  with harness.reference_target('--lun', f'file:{file}') as uri:
    portal, name = uri.split('://', 1)[1].split('/')
    yield portal, name


def write_and_read_back(session, file, contents):
  path = session.disk()
  with kit.timed('  write'):
    disk.write(path, contents)
  with kit.timed('  read back'):
    disk.compare(path, contents)
  # On the target's side too: two mistakes that undo each other are seen there.
  disk.compare_file(file, contents)
  with kit.timed('  many commands at once'):
    pieces = contents[12345:12345 + (2 << 20)]
    disk.write_small_pieces(path, pieces)
    disk.compare(path, pieces)


def play_tcp(portal, name, asked):
  """The settings of a session; the context of the session that has them."""
  header, data, immediate = asked
  open_iscsi.configure({**open_iscsi.digests(header, data), **open_iscsi.IMMEDIATE[immediate]})
  kit.require(open_iscsi.discover(portal) == [name], 'discovery names the target, once')
  return open_iscsi.logged_in(portal, name, {
      'header_digest': header, 'data_digest': data, 'immediate_data': immediate,
      'initial_r2t': not immediate,
  })


def iscsi_tcp(_):
  """All combinations of digests, with and without immediate and unsolicited data."""
  file = '/dev/shm/lun0'
  contents = disk.pattern(SIZE)
  with serving(file) as (portal, name), open_iscsi.daemon('tcp'):
    for header, data, immediate in itertools.product((False, True), repeat=3):
      with kit.timed(f'HeaderDigest {header}, DataDigest {data}, ImmediateData {immediate}'):
        with play_tcp(portal, name, (header, data, immediate)) as session:
          # Never the same twice.
          contents = contents[7:] + contents[:7]
          part = contents if immediate else contents[:SIZE // 8]
          write_and_read_back(session, file, part)
  os.unlink(file)
