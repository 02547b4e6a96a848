"""Linux's own initiators on our target: write, read back, compare."""

import contextlib
import itertools
import os
import subprocess

from tools.guest import disk
from tools.guest import kit
from tools.guest import open_iscsi
from tools.peers import harness

SIZE = 64 << 20


@contextlib.contextmanager
def serving(lun, *addresses, within=(), more=()):
  """`pushpull target` with that LUN 0: the portal of each address, and its name."""
  listen = [word for address in addresses for word in ('--listen', address)]
  with harness.process(*within, harness.pushpull_binary(), 'target', '--lun', lun, *more, *listen,
                       stdout=subprocess.PIPE, text=True) as child:
    uris = [harness.read_line(child).split()[1] for _ in addresses]
    portals = [uri.split('://', 1)[1].split('/')[0] for uri in uris]
    yield *portals, uris[0].rsplit('/', 1)[1]
    child.terminate()
    kit.require(child.wait(timeout=60) == 0, f'the target ended with {child.returncode}')


def file_of(size):
  """A file for a LUN."""
  path = '/dev/shm/lun0'
  with open(path, 'wb') as file:
    file.truncate(size)
  return path


def write_and_read_back(path, contents):
  with kit.timed('  write'):
    disk.write(path, contents)
  with kit.timed('  read back'):
    disk.compare(path, contents)
  with kit.timed('  many commands at once'):
    pieces = contents[12345:12345 + len(contents) // 32]
    disk.write_small_pieces(path, pieces)
    disk.compare(path, pieces)
  return pieces + contents[len(pieces):]


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
  file = file_of(SIZE)
  contents = disk.pattern(SIZE)
  with serving(f'file:{file}', 'tcp://127.0.0.1:0') as (portal, name), open_iscsi.daemon('tcp'):
    for header, data, immediate in itertools.product((False, True), repeat=3):
      with kit.timed(f'HeaderDigest {header}, DataDigest {data}, ImmediateData {immediate}'):
        with play_tcp(portal, name, (header, data, immediate)) as session:
          # Never the same twice.
          contents = contents[7:] + contents[:7]
          part = contents if immediate else contents[:SIZE // 8]
          # On the target's side too: two mistakes that undo each other are seen there.
          disk.compare_file(file, write_and_read_back(session.disk(), part))
  os.unlink(file)


def ib_iser(_, size=SIZE):
  """The same over RDMA; and what was written is there over TCP as well."""
  address = os.environ['PUSHPULL_RDMA_ADDRESS']
  contents = disk.pattern(size)
  with serving(f'ram:{size >> 20}M', f'iser://{address}:0', 'tcp://127.0.0.1:0') as served:
    rdma, tcp, name = served
    with open_iscsi.daemon('iser', 'tcp'):
      for immediate in (True, False):
        with kit.timed(f'ImmediateData {immediate}'):
          open_iscsi.configure(open_iscsi.IMMEDIATE[immediate])
          kit.require(open_iscsi.discover(rdma, 'iser') == [name], 'discovery over iSER')
          contents = contents[7:] + contents[:7]
          with open_iscsi.logged_in(rdma, name, {'immediate_data': immediate}) as session:
            written = write_and_read_back(session.disk(), contents)
          with kit.timed('  over TCP'), play_tcp(tcp, name, (False, False, True)) as session:
            disk.compare(session.disk(), written[:size // 4])


def ib_iser_few(_):
  """The same with fewer bytes."""
  ib_iser(_, size=8 << 20)


# A link of two ends, one of them in a network namespace of its own (TEST-NET-2, RFC 5737).
NEAR, FAR = '198.51.100.1', '198.51.100.2'
IN_FAR = ('ip', 'netns', 'exec', 'far')


def make_link():
  harness.run('ip', 'netns', 'add', 'far')
  harness.run('ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', 'far')
  harness.run('ip', 'address', 'add', f'{NEAR}/24', 'dev', 'near')
  harness.run('ip', 'link', 'set', 'near', 'up')
  harness.run(*IN_FAR, 'ip', 'address', 'add', f'{FAR}/24', 'dev', 'far')
  harness.run(*IN_FAR, 'ip', 'link', 'set', 'far', 'up')


@contextlib.contextmanager
def losing(percent):
  """Both ends of the link lose so many of their packets."""
  kit.modprobe('sch_netem')
  ends = (('near', ()), ('far', IN_FAR))
  for end, where in ends:
    harness.run(*where, 'tc', 'qdisc', 'add', 'dev', end, 'root', 'netem', 'loss', f'{percent}%')
  yield
  for end, where in ends:
    told = harness.run(*where, 'tc', '-s', 'qdisc', 'show', 'dev', end)
    print(told)
    kit.require(int(told.split('dropped ')[1].split(',')[0]) > 0, f'{end} lost nothing')
    harness.run(*where, 'tc', 'qdisc', 'delete', 'dev', end, 'root')


def loss(_, size=SIZE // 2):
  """On a link that loses one packet in a hundred no byte changes."""
  make_link()
  address = f'tcp://{FAR}:0'
  with serving(f'ram:{SIZE >> 20}M', address, within=IN_FAR) as served, open_iscsi.daemon('tcp'):
    portal, name = served
    with play_tcp(portal, name, (False, False, True)) as session, losing(1):
      write_and_read_back(session.disk(), disk.pattern(size))
  harness.run('ip', 'netns', 'delete', 'far')


def loss_few(_):
  """The same with fewer bytes."""
  loss(_, size=8 << 20)
