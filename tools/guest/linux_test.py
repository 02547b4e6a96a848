"""What users of Linux do with our target's disks, and how Linux's initiator takes bad targets."""

import unittest

from tools.guest import boot

LinuxTest = boot.tests_of(['file_system', 'sg3_utils'])
# Each script that breaks a session has the initiator wait before it comes again.
InitiatorTest = boot.tests_of(['linux_initiator'])

if __name__ == '__main__':
  unittest.main()
