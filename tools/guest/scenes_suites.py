"""The suites against targets: ours, and others with their profiles."""

import contextlib
import json
import os
import subprocess

from tools.guest import kit
from tools.guest import lio
from tools.guest import tgt
from tools.peers import harness

# A run as a whole; a case has limits of its own, and the scene one.
LIMIT_S = 900


def results(uri, name, folder, *options):
  """The result of a run of the suites. Its files go to folder/NAME.tar."""
  out = os.path.join('/dev/shm', name)  # thousands of small files, slow to bring out one by one
  output = harness.run_pushpull('run', '--target', uri, '--allow-writes', '--out', out, *options,
                                ok=range(256), limit_s=LIMIT_S)
  print(output[-60000:])
  harness.run('tar', '-cf', os.path.join(folder, f'{name}.tar'), '-C', out, '.')
  with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
    return json.load(file)


def play(uri, name, folder, *options, without=(), at_least=200):
  """Plays all but `without`; fails where that isn't as expected."""
  run = results(uri, name, folder, *options, *_each('--exclude', without))
  if run.get('exit_code', 0) != 0:
    kit.show_blocked_tasks()  # before the target ends, and what it waits for with it
  kit.require(run.get('exit_code', 0) == 0, f'exit code {run.get("exit_code")}')
  kit.require(len(run['result']) >= at_least, f'{len(run["result"])} cases')


def _each(option, values):
  return [word for value in values for word in (option, value)]


@contextlib.contextmanager
def reference(dialect='rfc7145'):
  """Our target on the device: the URI that it is reached at over iSER. It is strict."""
  address = os.environ['PUSHPULL_RDMA_ADDRESS']
  luns = [word for size in ('64M', '16M', '16M') for word in ('--lun', f'ram:{size}')]
  with harness.process(harness.pushpull_binary(), 'target', '--listen', f'iser://{address}:0',
                       '--iser-dialect', dialect, *luns, stdout=subprocess.PIPE,
                       text=True) as child:
    yield harness.read_line(child).split()[1]
    child.terminate()
    kit.require(child.wait(timeout=60) == 0, f'the target ended with {child.returncode}')


def iser(folder):
  """Both ends are ours: what iSER alone has, over a device, as RFC 7145 speaks it."""
  with reference() as uri:
    play(uri, 'iser', folder, '--only', 'iser/*', at_least=100)


def all_rfc7145(folder):
  """Every case."""
  with reference() as uri:
    play(uri, 'all_rfc7145', folder)


# An initiator like Linux's has no room for such a ping's answer.
BEYOND_LINUX = ['nop/ping_echoed#512', 'nop/ping_echoed#8192']


def all_linux(folder):
  """The same as Linux speaks it."""
  with reference('linux') as uri:
    play(uri, 'all_linux', folder, '--iser-dialect', 'linux', without=BEYOND_LINUX)


def softroce(folder):
  """The cases that spoil the link, on a link that may be (--link veth)."""
  with reference() as uri:
    play(uri, 'softroce', folder, '--only', 'softroce/*', at_least=10)


def duplication(folder):
  """That of those which waits for no time to pass: packets come twice, and none is lost."""
  with reference() as uri:
    play(uri, 'duplication', folder, '--only', 'softroce/duplication', at_least=1)


def profile(name):
  return harness.data_file(f'conformance/profiles/{name}.textproto')


# It breaks the kernel, which ends the guest. See docs/targets/lio.md.
# Behind hundreds of functions for tasks that are not there its portal waits for ever.
DEADLY_TO_LIO = ['bad_pdu/ahs_beyond_total#zero', 'tmf/hundreds_of_functions*']
# A reset overtakes a write's data, which may leave the kernel with freed memory in use: nothing is
# played after them.
LAST_AT_LIO = ['tmf/left_over_data', 'tmf/lun_reset_other_session']


def with_restart(name, command):
  """A copy of the profile, with the command that starts the target again in this guest."""
  with open(profile(name), encoding='utf-8') as file:
    text = file.read()
  path = f'/dev/shm/{name}.textproto'
  with open(path, 'w', encoding='utf-8') as file:
    file.write(f'{text}\nrestart_command: "{command}"\n')
  return path


# After these the portal takes no login for a while; the order of StatSN changes from run to run.
# See docs/targets/lio_iser.md.
LEFT_OUT_OVER_LIO_ISER = ['iser/rdma_extensions_before_its_stage', 'text/left_unfinished',
                          'iser/full_window']
ISER = ['iser/*', 'nop/*', 'read/*', 'sanity/*', 'text/*', 'write/*']


def lio_iser(folder):
  with lio.serving('/dev/shm/lio', os.environ['PUSHPULL_RDMA_ADDRESS'], iser=True, luns=2) as uri:
    with kit.timed('suites against LIO over iSER'):
      play(uri, 'lio_iser_results', folder, '--iser-dialect', 'linux', '--profile',
           profile('lio_iser'), '--step-timeout-s', '10', *_each('--only', ISER),
           without=LEFT_OUT_OVER_LIO_ISER, at_least=90)


# Some of what LIO does right, and some of what it does wrong.
SOME_OF_ISER = ['sanity/*', 'iser/bad_key#*', 'iser/digests_none#*', 'iser/disconnect_in_a_*',
                'iser/keys_understood#*', 'iser/length_lies#*', 'iser/read_lengths#*',
                'iser/send_too_short#*', 'iser/target_headers']


def lio_iser_some(folder):
  with lio.serving('/dev/shm/lio', os.environ['PUSHPULL_RDMA_ADDRESS'], iser=True) as uri:
    play(uri, 'lio_iser_some', folder, '--iser-dialect', 'linux', '--profile', profile('lio_iser'),
         *_each('--only', SOME_OF_ISER), at_least=25)


def tgt_iser(folder):
  with tgt.serving('/dev/shm/tgt', os.environ['PUSHPULL_RDMA_ADDRESS']) as (uri, restart):
    with kit.timed('suites against tgt over iSER'):
      play(uri, 'tgt_iser_results', folder, '--iser-dialect', 'linux', '--profile',
           with_restart('tgt_iser', restart), '--step-timeout-s', '5')


# Likewise, and none that is the daemon's end.
SOME_AT_TGT = ['sanity/*', 'iser/bad_key#*', 'iser/digests_none#*', 'iser/disconnect_in_a_*',
               'iser/keys_understood#*', 'iser/read_lengths#*', 'iser/target_headers']


def tgt_iser_some(folder):
  with tgt.serving('/dev/shm/tgt', os.environ['PUSHPULL_RDMA_ADDRESS']) as (uri, restart):
    play(uri, 'tgt_iser_some', folder, '--iser-dialect', 'linux', '--profile',
         with_restart('tgt_iser', restart), *_each('--only', SOME_AT_TGT), at_least=20)


def lio_tcp(folder):
  options = ('--profile', profile('lio'), '--step-timeout-s', '5')
  with lio.serving('/dev/shm/lio', os.environ['PUSHPULL_RDMA_ADDRESS'], luns=2) as uri:
    with kit.timed('suites against LIO over TCP'):
      play(uri, 'lio_tcp_results', folder, *options,
           without=DEADLY_TO_LIO + LAST_AT_LIO)
    play(uri, 'lio_tcp_last', folder, *options, *_each('--only', LAST_AT_LIO), at_least=2)
