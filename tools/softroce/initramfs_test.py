"""The archive is what the kernel's unpacker and cpio read."""

import stat
import unittest

import initramfs


def entries(archive):
  """[(name, mode, contents)] of a newc archive, read by its own rules."""
  at, found = 0, []
  while True:
    assert archive[at:at + 6] == b'070701', at
    fields = [int(archive[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
    mode, size, name_size = fields[1], fields[6], fields[11]
    name = archive[at + 110:at + 110 + name_size - 1].decode()
    at = (at + 110 + name_size + 3) // 4 * 4
    contents = archive[at:at + size]
    at = (at + size + 3) // 4 * 4
    if name == 'TRAILER!!!':
      return found
    found.append((name, mode, contents))


class ArchiveTest(unittest.TestCase):

  def test_what_was_added_is_read_back(self):
    archive = initramfs.Archive()
    added = [('bin', stat.S_IFDIR | 0o755, b'')]
    added += [(f'f{size}', stat.S_IFREG | 0o644, bytes(range(size))) for size in range(9)]
    for name, mode, contents in added:
      archive.add(name, mode, contents)
    self.assertEqual(entries(archive.bytes()), added)

  def test_the_console_is_a_device(self):
    archive = initramfs.Archive()
    archive.add('dev/console', stat.S_IFCHR | 0o600, device=(5, 1))
    packed = archive.bytes()
    self.assertEqual(packed[6 + 8 * 9:6 + 8 * 11], b'00000005' b'00000001')


if __name__ == '__main__':
  unittest.main()
