"""Plays scenes in the guest, one after another, each with a verdict line and a log of its own.

usage: stage.py FOLDER SCENE...

Prints "scene NAME PASS SECONDS" or "scene NAME FAIL SECONDS WHY" as each ends; FOLDER/NAME.log is
what it printed, with the kernel's log behind it where it failed. FOLDER/NAME_results.tar holds what
suites left.
"""

import os
import sys

from tools.guest import kit
from tools.guest import scenes_disks
from tools.guest import scenes_initiator
from tools.guest import scenes_linux
from tools.guest import scenes_suites
from tools.guest import scenes_throughput
from tools.guest import scenes_verbs
from tools.peers import harness

# What each is, and its limit in seconds: several times what it takes.
SCENES = {
    'rdma_verbs': (scenes_verbs.rdma_verbs, 300),
    'iser': (scenes_suites.iser, 400),
    'all_rfc7145': (scenes_suites.all_rfc7145, 800),
    'all_linux': (scenes_suites.all_linux, 800),
    'transports': (scenes_verbs.transports, 120),
    'softroce': (scenes_suites.softroce, 900),
    'duplication': (scenes_suites.duplication, 120),
    'lio_tcp': (scenes_suites.lio_tcp, 400),
    'lio_iser': (scenes_suites.lio_iser, 600),
    'lio_iser_some': (scenes_suites.lio_iser_some, 120),
    'tgt_iser': (scenes_suites.tgt_iser, 600),
    'tgt_iser_some': (scenes_suites.tgt_iser_some, 120),
    'ib_iser': (scenes_linux.ib_iser, 400),
    'ib_iser_few': (scenes_linux.ib_iser_few, 120),
    'throughput': (scenes_throughput.throughput, 600),
    'loss': (scenes_linux.loss, 300),
    'loss_few': (scenes_linux.loss_few, 120),
    'file_system': (scenes_disks.file_system, 300),
    'sg3_utils': (scenes_disks.sg3_utils, 300),
    'linux_initiator': (scenes_initiator.linux_initiator, 1750),
    'iscsi_tcp': (scenes_linux.iscsi_tcp, 400),
}


def main():
  folder, *names = sys.argv[1:]
  os.environ['PATH'] = harness.SYSTEM_PATH
  kit.adopt_orphans()
  good = True
  for name in names:
    scene, limit_s = SCENES[name]
    wrong, seconds = kit.play(name, scene, folder, limit_s)
    print(f'scene {name} {"FAIL" if wrong else "PASS"} {seconds:.1f} {wrong}'.strip(), flush=True)
    good = good and not wrong
  return 0 if good else 1


if __name__ == '__main__':
  sys.exit(main())
