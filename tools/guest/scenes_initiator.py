"""Scripted targets for Linux's initiator over TCP."""

import json
import os
import shlex
import sys

from tools.guest import kit
from tools.guest import open_iscsi
from tools.peers import harness

PROFILE = 'conformance/profiles/linux_initiator.textproto'


def linux_initiator(folder):
  """Every script has a verdict, as the profile expects."""
  out = os.path.join('/dev/shm', 'linux_initiator')
  command = shlex.join([sys.executable, harness.data_file('tools/guest/linux_command.py')])
  with open_iscsi.daemon('tcp'):
    print(harness.run_pushpull(
        'initiator', '--command', command, '--command-timeout-s', '120', '--step-timeout-s', '40',
        '--profile', harness.data_file(PROFILE), '--out', out, ok=range(256), limit_s=1700))
  harness.run('tar', '-cf', os.path.join(folder, 'linux_initiator.tar'), '-C', out, '.')
  with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
    run = json.load(file)
  kit.require(len(run['result']) >= 50, f'{len(run["result"])} scripts')
  kit.require(run.get('exit_code', 0) == 0, f'exit code {run.get("exit_code")}')
