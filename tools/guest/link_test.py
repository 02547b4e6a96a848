"""Our own side on a link that loses, delays, reorders and goes away."""

import unittest

from tools.guest import boot

LinkTest = boot.tests_of(['softroce'], '--link', 'veth')

if __name__ == '__main__':
  unittest.main()
