"""The counter's rate: the same each time, as long as the processor is of one speed."""

import platform
import unittest
from unittest import mock

import guest
import tsc


class TscTest(unittest.TestCase):

  def test_is_the_same_each_time(self):
    rates = [tsc.khz() for _ in range(3)]
    if platform.machine() == 'x86_64':
      self.assertGreater(min(rates), 100_000)
      self.assertLess(max(rates) / min(rates), 1.01)

  def test_is_told_to_a_guest_in_emulation_alone(self):
    with mock.patch.object(tsc, 'khz', return_value=2600000):
      self.assertEqual(guest.clock_words(guest.Settings(accel='tcg')), 'tsc_early_khz=2600000 ')
      self.assertEqual(guest.clock_words(guest.Settings(accel='kvm')), '')
    with mock.patch.object(tsc, 'khz', return_value=0):
      self.assertEqual(guest.clock_words(guest.Settings(accel='tcg')), '')


if __name__ == '__main__':
  unittest.main()
