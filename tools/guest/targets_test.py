"""The suites in a guest against other targets: LIO, which is the kernel's own.

Each is as its profile says. A boot of its own: what other targets do to their kernel ends no test
of ours.
"""

import unittest

from tools.guest import boot

TargetsTest = boot.tests_of(['lio_tcp'])

if __name__ == '__main__':
  unittest.main()
