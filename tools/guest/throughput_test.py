"""Our target beside tgt's over soft-RoCE: ratios of what Linux's initiator gets. None is judged."""

import unittest

from tools.guest import boot

ThroughputTest = boot.tests_of(['throughput'], shown=True)

if __name__ == '__main__':
  unittest.main()
