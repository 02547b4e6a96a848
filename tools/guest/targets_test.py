"""The suites in a guest against other targets: LIO, which is the kernel's own, and tgt.

Each is as its profile says. Boots of their own: what other targets do to their kernel ends no test
of ours.
"""

import unittest

from tools.guest import boot

TargetsTest = boot.tests_of(['lio_tcp'])
# On one processor: on two, threads of these targets race one another (docs/targets), and no verdict
# would be the same twice.
IserTargetsTest = boot.tests_of(['tgt_iser', 'lio_iser'], '--cpus', '1')

if __name__ == '__main__':
  unittest.main()
