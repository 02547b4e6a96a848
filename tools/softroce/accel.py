"""Whether hardware virtualisation really boots the guest: some hosts offer /dev/kvm and then hang.

Tried once for each kernel and each boot of this machine, with a short limit.
"""

import dataclasses
import os

import cache
import guest
from errors import Failure

TRIAL_LIMIT_S = 15


def choose(kernel, settings, folder):
  """"kvm" or "tcg"."""
  if not os.access('/dev/kvm', os.R_OK | os.W_OK):
    return 'tcg'
  with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as file:
    name = cache.key(file.read(), kernel.image, os.stat(kernel.image).st_mtime_ns)
  answer = os.path.join(folder, 'accel', name)
  if not os.path.exists(answer):
    os.makedirs(os.path.dirname(answer), exist_ok=True)
    with open(answer + '.new', 'w', encoding='ascii') as file:
      file.write('kvm' if boots(kernel, settings, folder) else 'tcg')
    os.replace(answer + '.new', answer)
  with open(answer, encoding='ascii') as file:
    return file.read()


def boots(kernel, settings, folder):
  trial = dataclasses.replace(settings, accel='kvm', boot_limit_s=TRIAL_LIMIT_S,
                              limit_s=TRIAL_LIMIT_S, keep_logs='', shares=(), disks=())
  with open(os.devnull, 'wb') as null:
    outputs = {'out': null.fileno(), 'err': null.fileno()}
    try:
      return guest.run(kernel, ['true'], trial, folder, outputs) == 0
    except Failure:
      return False
