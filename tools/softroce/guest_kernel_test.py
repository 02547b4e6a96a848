"""The user's own kernel is found, or the error says what is missing."""

import os
import struct
import tempfile
import unittest

import guest_kernel
import siw
from errors import USAGE, Failure, Unavailable


class OwnKernelTest(unittest.TestCase):

  def setUp(self):
    self.folder = tempfile.mkdtemp(dir=os.environ.get('TEST_TMPDIR'))
    self.image = os.path.join(self.folder, 'vmlinux')
    self.touch('vmlinux')

  def touch(self, path):
    path = os.path.join(self.folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb'):
      pass

  def add_modules(self, version):
    self.touch(f'out/lib/modules/{version}/kernel/drivers/x.ko')
    self.touch(f'out/lib/modules/{version}/modules.dep')

  def test_any_folder_on_the_way_will_do(self):
    self.add_modules('6.9.0-mine')
    for folder in ('out', 'out/lib/modules', 'out/lib/modules/6.9.0-mine'):
      kernel = guest_kernel.own(self.image, os.path.join(self.folder, folder))
      self.assertEqual(kernel.version, '6.9.0-mine')
      self.assertEqual(kernel.base, os.path.join(self.folder, 'out'))

  def assert_refused(self, text, image, modules):
    with self.assertRaises(Failure) as caught:
      guest_kernel.own(image, os.path.join(self.folder, modules))
    self.assertEqual(caught.exception.status, USAGE)
    self.assertIn(text, str(caught.exception))

  def test_errors_say_what_to_do(self):
    self.assert_refused('no such file', self.image + '.gone', 'out')
    self.assert_refused('make modules_install', self.image, 'out')
    self.add_modules('6.9.0-mine')
    os.unlink(os.path.join(self.folder, 'out/lib/modules/6.9.0-mine/modules.dep'))
    self.assert_refused('depmod -b', self.image, 'out')
    self.add_modules('6.9.1-mine')
    self.assert_refused('several kernels', self.image, 'out')


class PayloadTest(unittest.TestCase):

  def test_an_unknown_payload_is_refused(self):
    image = bytearray(4096)
    image[0x1f1] = 1
    struct.pack_into('<II', image, 0x248, 16, 100)
    with self.assertRaises(Unavailable):
      guest_kernel.payload_of(bytes(image))


class SiwTest(unittest.TestCase):

  def test_packages_follow_the_version(self):
    self.assertEqual(siw.packages_of('6.1.0-41-amd64'),
                     ('linux-headers-6.1.0-41-amd64', 'linux-headers-6.1.0-41-common',
                      'linux-kbuild-6.1', 'linux-source-6.1'))


if __name__ == '__main__':
  unittest.main()
