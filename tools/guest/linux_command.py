"""Linux's initiator for the scripts of `pushpull initiator`: iscsid runs already.

A discovery where the script is about one, else a login, a write and a read past the page cache.
"""

import os
import sys

from tools.guest import disk
from tools.guest import open_iscsi

BYTES = 64 << 10


def main():
  address, name = os.environ['PUSHPULL_ADDRESS'], os.environ['PUSHPULL_NAME']
  if os.environ['PUSHPULL_CASE'].startswith('initiators/target'):
    return 0 if open_iscsi.discover(address) else 1
  open_iscsi.make_record(address, name, 'tcp')
  with open_iscsi.logged_in(address, name, {}) as session:
    path = session.disk()
    contents = disk.pattern(BYTES)
    disk.write(path, contents)
    disk.compare(path, contents)
  return 0


if __name__ == '__main__':
  sys.exit(main())
