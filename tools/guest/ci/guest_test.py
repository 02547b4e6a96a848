"""iSER over soft-RoCE in one boot of a guest: our two ends, Linux's initiator, LIO, tgt, bad links.

Where no guest can boot it is skipped, and says so; with PUSHPULL_REQUIRE_GUEST set it then fails.
"""

import unittest

from tools.guest import boot

# On one processor of the guest nothing waits for the other one's emulation.
GuestTest = boot.tests_of(['iser', 'transports', 'ib_iser_few', 'tgt_iser_some', 'duplication',
                           'loss_few', 'lio_iser_some'], '--link', 'veth', '--cpus', '1')

if __name__ == '__main__':
  unittest.main()
