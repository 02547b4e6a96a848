"""Every case between our own two ends over soft-RoCE, in both dialects."""

import unittest

from tools.guest import boot

SuitesRxeTest = boot.tests_of(['all_rfc7145', 'all_linux'])

if __name__ == '__main__':
  unittest.main()
