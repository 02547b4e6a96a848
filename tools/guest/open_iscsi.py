"""Linux's own initiators (iscsi_tcp, ib_iser), led by open-iscsi."""

import contextlib
import glob
import os
import shutil

from tools.guest import kit
from tools.peers import harness

INITIATOR = 'iqn.2026-11.org.pushpull:linux'
FOLDER = '/etc/iscsi'
MODULES = {'tcp': 'iscsi_tcp', 'iser': 'ib_iser'}
LIMIT_S = 60

# What iscsid.conf has in any case: sessions that are lost fail soon.
ALWAYS = {
    'node.startup': 'manual',
    'node.leading_login': 'No',
    'node.session.timeo.replacement_timeout': '30',
    'node.session.initial_login_retry_max': '1',
    'node.conn[0].timeo.login_timeout': '30',
    'node.conn[0].timeo.noop_out_interval': '0',
    'node.conn[0].timeo.noop_out_timeout': '0',
}
IMMEDIATE = {
    True: {'node.session.iscsi.ImmediateData': 'Yes', 'node.session.iscsi.InitialR2T': 'No'},
    False: {'node.session.iscsi.ImmediateData': 'No', 'node.session.iscsi.InitialR2T': 'Yes'},
}


def iscsiadm(*arguments, **options):
  return harness.run('iscsiadm', *arguments, limit_s=LIMIT_S, **options)


@contextlib.contextmanager
def daemon(*transports):
  """iscsid, ready for iscsiadm."""
  kit.modprobe('sd_mod', *[MODULES[transport] for transport in transports])
  shutil.rmtree(os.path.join(FOLDER, 'nodes'), ignore_errors=True)
  shutil.rmtree(os.path.join(FOLDER, 'send_targets'), ignore_errors=True)
  for folder in (FOLDER, '/run/lock/iscsi'):
    os.makedirs(folder, exist_ok=True)
  with open(os.path.join(FOLDER, 'initiatorname.iscsi'), 'w', encoding='ascii') as file:
    file.write(f'InitiatorName={INITIATOR}\n')
  configure({})
  # In a session of its own: it signals its process group when it ends.
  with harness.process('iscsid', '-f', '-d', '1', start_new_session=True) as child:
    harness.until(lambda: child.poll() is not None or _listens(), 'iscsid listens')
    kit.require(child.poll() is None, f'iscsid ended with {child.poll()}')
    yield


def _listens():
  with open('/proc/net/unix', encoding='ascii', errors='replace') as file:
    return '@ISCSIADM_ABSTRACT_NAMESPACE' in file.read()


def configure(settings):
  """What the records have that are made from now on."""
  with open(os.path.join(FOLDER, 'iscsid.conf'), 'w', encoding='ascii') as file:
    for name, value in {**ALWAYS, **settings}.items():
      file.write(f'{name} = {value}\n')


def digests(header, data):
  """Settings that insist on CRC32C, or on None."""
  words = {True: 'CRC32C', False: 'None'}
  return {'node.conn[0].iscsi.HeaderDigest': words[header],
          'node.conn[0].iscsi.DataDigest': words[data]}


def discover(portal, transport='tcp'):
  """The names of SendTargets; makes records of them."""
  interface = ['-I', 'iser'] if transport == 'iser' else []
  told = iscsiadm('-m', 'discovery', '-t', 'sendtargets', '-p', portal, *interface)
  return [line.split()[1] for line in told.splitlines() if line.startswith(portal)]


def make_record(portal, name, transport):
  interface = 'iser' if transport == 'iser' else 'default'
  iscsiadm('-m', 'node', '-T', name, '-p', portal, '-o', 'new', '-I', interface)


class Session:
  """A session that is logged in: what the kernel says of it."""

  def __init__(self, name):
    self.folder = next(folder for folder in glob.glob('/sys/class/iscsi_session/session*')
                       if _read(folder, 'targetname') == name)
    self.number = self.folder.rsplit('session', 1)[1]

  def value(self, key):
    """An agreed value of the session, or else of its connection."""
    if os.path.exists(os.path.join(self.folder, key)):
      return _read(self.folder, key)
    return _read(f'/sys/class/iscsi_connection/connection{self.number}:0', key)

  def disk(self, lun=0):
    """The path of a logical unit's disk, once it is there."""
    where = f'{self.folder}/device/target*/*:*:*:{lun}/block/sd*'
    harness.until(lambda: glob.glob(where), f'LUN {lun} has a disk')
    path = '/dev/' + os.path.basename(glob.glob(where)[0])
    # Its name is there a little before it can be opened.
    harness.until(lambda: _opens(path), f'{path} can be opened')
    return path


def _opens(path):
  try:
    os.close(os.open(path, os.O_RDONLY))
  except OSError:
    return False
  return True


def _read(folder, name):
  with open(os.path.join(folder, name), encoding='ascii', errors='replace') as file:
    return file.read().strip()


@contextlib.contextmanager
def logged_in(portal, name, agreed):
  """A Session that agreed on these (name in sysfs: yes or no); ends with the block."""
  node = ('-m', 'node', '-T', name, '-p', portal)
  iscsiadm(*node, '--login')
  try:
    session = Session(name)
    for key, want in agreed.items():
      kit.require(session.value(key) == str(int(want)), f'{key} is {session.value(key)}')
    yield session
  except BaseException:
    # The failure is what is to be told, not what comes of it.
    with contextlib.suppress(Exception):
      iscsiadm(*node, '--logout')
    raise
  iscsiadm(*node, '--logout')
  kit.require(not os.path.exists(session.folder), 'a session outlives its logout')
