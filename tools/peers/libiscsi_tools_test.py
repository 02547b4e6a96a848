"""libiscsi's tools and QEMU's block driver work against the reference target."""

import os
import random
import unittest

from tools.peers import harness

IMAGE_MIB = 256
# Of --legal-variation.
SEEDS = range(1, 13)


class LibiscsiToolsTest(unittest.TestCase):

  def test_list_inquire_capacity(self):
    with harness.reference_target('--lun', 'ram:256M', '--lun', 'ram:64M') as uri:
      portal, name = uri.rsplit('/', 1)
      listing = harness.run('iscsi-ls', '-s', portal.replace('tcp://', 'iscsi://'))
      self.assertIn(f'Target:{name} Portal:', listing)
      self.assertRegex(listing, r'Lun:0 +Type:DIRECT_ACCESS \(Size:(255|256)M\)')
      self.assertRegex(listing, r'Lun:1 +Type:DIRECT_ACCESS \(Size:(63|64)M\)')

      inquiry = harness.run('iscsi-inq', harness.libiscsi_url(uri))
      self.assertIn('Peripheral Device Type:DIRECT_ACCESS', inquiry)
      for page in ('0x00', '0x80', '0x83', '0xb0', '0xb1', '0xb2'):
        harness.run('iscsi-inq', '-e', '1', '-c', page, harness.libiscsi_url(uri))

      capacity = harness.run('iscsi-readcapacity16', harness.libiscsi_url(uri))
      self.assertIn(f'Total size:{IMAGE_MIB << 20}', capacity)

  def test_legal_variation_but_for_texts(self):
    for seed in SEEDS:
      with self.subTest(seed), harness.reference_target(
          '--lun', 'ram:1M', '--legal-variation', str(seed), '--plain-text') as uri:
        portal, name = uri.rsplit('/', 1)
        listing = harness.run('iscsi-ls', portal.replace('tcp://', 'iscsi://'))
        self.assertIn(f'Target:{name} Portal:', listing)

  def test_legal_variation_but_for_what_libiscsi_gets_wrong(self):
    folder = harness.scratch()
    image, back = (os.path.join(folder, name) for name in ('image', 'back'))
    contents = random.Random(7).randbytes(4 << 20)
    with open(image, 'wb') as file:
      file.write(contents)
    for seed in SEEDS:
      with self.subTest(seed), harness.reference_target(
          '--lun', 'ram:4M', '--legal-variation', str(seed), '--plain-text', '--without',
          'vendor-events,empty-data-in') as uri:
        url = harness.libiscsi_url(uri)
        self.assertIn('DIRECT_ACCESS', harness.run('iscsi-inq', url))
        harness.run('qemu-img', 'convert', '-n', '-O', 'raw', image, url)
        harness.run('qemu-img', 'convert', '-O', 'raw', url, back)
        with open(back, 'rb') as file:
          self.assertEqual(file.read(), contents)

  def test_chap(self):
    folder = harness.scratch()
    files = {}
    for name in ('alice secret 16b', 'storage secret 16'):
      files[name] = os.path.join(folder, name.split()[0])
      with open(files[name], 'w', encoding='utf-8') as file:
        file.write(name.replace(' ', '-') + '\n')
      os.chmod(files[name], 0o600)
    secret, own = files.values()
    with harness.reference_target('--lun', 'ram:64M', '--chap-user', 'alice', '--chap-secret-file',
                                  secret, '--chap-mutual-user', 'storage',
                                  '--chap-mutual-secret-file', own) as uri:
      portal, name = uri.rsplit('/', 1)
      plain = harness.libiscsi_url(uri)
      right = plain.replace('iscsi://', 'iscsi://alice%alice-secret-16b@')
      both = right + '?target_user=storage&target_password=storage-secret-16'
      self.assertIn('DIRECT_ACCESS', harness.run('iscsi-inq', right))
      self.assertIn('DIRECT_ACCESS', harness.run('iscsi-inq', both))
      discovery = portal.replace('tcp://', 'iscsi://alice%alice-secret-16b@')
      self.assertIn(f'Target:{name} Portal:', harness.run('iscsi-ls', discovery))
      for wrong in (plain, plain.replace('iscsi://', 'iscsi://alice%alice-secret-17b@'),
                    plain.replace('iscsi://', 'iscsi://bob%alice-secret-16b@'), both + '7'):
        harness.run('iscsi-inq', wrong, ok=[10])
      harness.run('iscsi-ls', portal.replace('tcp://', 'iscsi://'), ok=[10])

  def test_qemu_image_there_and_back(self):
    folder = harness.scratch()
    image = os.path.join(folder, 'image.raw')
    back = os.path.join(folder, 'back.raw')
    # Random, but for the holes that a real image has.
    source = random.Random(1)
    with open(image, 'wb') as file:
      for chunk in range(IMAGE_MIB):
        file.write(bytes(1 << 20) if chunk % 8 == 7 else source.randbytes(1 << 20))
    with harness.reference_target('--lun', f'ram:{IMAGE_MIB}M') as uri:
      url = harness.libiscsi_url(uri)
      self.assertIn('virtual size: 256 MiB', harness.run('qemu-img', 'info', url))
      harness.run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', image, url)
      harness.run('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', url, back)
    harness.run('cmp', image, back)

  def test_file_lun_keeps_its_data(self):
    folder = harness.scratch()
    image = os.path.join(folder, 'image.raw')
    disk = os.path.join(folder, 'disk.img')
    with open(image, 'wb') as file:
      file.write(random.Random(2).randbytes(8 << 20))
    with open(disk, 'wb') as file:
      file.truncate(8 << 20)
    with harness.reference_target('--lun', f'file:{disk}') as uri:
      harness.run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', image,
                  harness.libiscsi_url(uri))
    harness.run('cmp', image, disk)


if __name__ == '__main__':
  unittest.main()
