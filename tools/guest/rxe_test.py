"""Our own side in a guest with soft-RoCE: all of it must be good."""

import unittest

from tools.guest import boot

RxeTest = boot.tests_of(['rdma_verbs', 'transports', 'iser', 'ib_iser', 'loss', 'iscsi_tcp'])

if __name__ == '__main__':
  unittest.main()
