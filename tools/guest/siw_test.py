"""Our target over software iWARP, in a guest whose module is compiled from Debian's sources."""

import unittest

from tools.guest import boot

SiwTest = boot.tests_of(['ib_iser'], '--kind', 'siw')

if __name__ == '__main__':
  unittest.main()
