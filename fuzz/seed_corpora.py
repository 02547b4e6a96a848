"""Writes the seeds of corpus/ that come from elsewhere in the tree: golden PDUs, cases, captures.

  python3 fuzz/seed_corpora.py
  python3 fuzz/seed_corpora.py --minimise   # and of whole sessions only what adds to coverage

Whole sessions come from the cases by //fuzz/session:seed_sessions, which Bazel builds here. Seeds
keep the names of what they come from. Inputs that fuzzing found, crash-*, are left alone.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..')
GOLDEN = os.path.join(ROOT, 'testdata/golden')
DIGESTS = {'header_digest': 1, 'data_digest': 2}
PDU_TOLD = 4
RX_MEND_DIGESTS = 8
RX_LOGIN_PDU = 16
RX_SHORT_AHS = 64
# Of the first 200 streams of //fuzz/streams:seed_streams those that reach lines of target/scsi that
# no other does.
STREAMS = (11, 17, 25, 43, 54, 78, 88, 100, 105, 127, 134,
           139, 155, 177, 193, 198)

# What PDUs are called, and what is said in them.
OPCODES = (0, 1, 2, 3, 4, 5, 6, 0x10, 0x1d, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x2f, 0x31,
           0x32, 0x3d, 0x3f)
LOGIN_STATUSES = (0x0000, 0x0101, 0x0102, 0x0200, 0x0201, 0x0202, 0x0203, 0x0204, 0x0205, 0x0206,
                  0x0207, 0x0208, 0x0209, 0x020a, 0x020b, 0x0300, 0x0301, 0x0302, 0x0399)
SENSES = {
    'fixed_with_information': '0012f0000300000123 0a00000000110000000000',
    'descriptor': '000872050024000000 00000000',
    'descriptor_with_information': '001472030011000000 0c000a80000000000000 1234',
    'of_no_format': '000442000000',
    'longer_than_there_is': '00ff70000500',
}

# Logins, by rx_fuzz's neighbour login_fuzz: (flags, text) of each request.
FINAL = 0x87  # T, CSG 1, NSG 3
NAMES = ('InitiatorName=iqn.2026-11.org.example:host',
         'TargetName=iqn.2026-11.org.pushpull:reference')
LOGINS = {
    'names_only': [(FINAL, NAMES)],
    'discovery': [(FINAL, (NAMES[0], 'SessionType=Discovery'))],
    'security_first': [(0x81, NAMES + ('AuthMethod=None',)),
                       (FINAL, ('HeaderDigest=CRC32C,None',))],
    'in_parts': [(0x44, NAMES), (0x44, ('MaxBurstLength=65536',)), (FINAL, ('InitialR2T=No',))],
    'all_keys': [(FINAL, NAMES + (
        'HeaderDigest=None', 'DataDigest=CRC32C', 'MaxRecvDataSegmentLength=65536', 'InitialR2T=No',
        'ImmediateData=Yes', 'MaxBurstLength=262144', 'FirstBurstLength=65536', 'MaxConnections=8',
        'DefaultTime2Wait=2', 'DefaultTime2Retain=20', 'MaxOutstandingR2T=1', 'DataPDUInOrder=Yes',
        'DataSequenceInOrder=Yes', 'ErrorRecoveryLevel=2', 'TaskReporting=RFC3720',
        'iSCSIProtocolLevel=2', 'X-org.example.key=0x10'))],
    'another_pdu': [(0x04, NAMES), (0x30, ())],
}


def read(path):
  with open(path, encoding='utf-8') as file:
    return file.read()


def golden(name):
  """(kind, sections that are there, the PDU's bytes)."""
  section, kind, there, data = '', '', set(), bytearray()
  for line in read(os.path.join(GOLDEN, name)).splitlines():
    line = line.split('#')[0].strip()
    if line.startswith('['):
      section = line[1:-1]
      there.add(section)
    elif section == 'kind' and line:
      kind = line
    elif line and section != 'fields':
      data += bytes.fromhex(line.split(':')[1])
  return kind, there, bytes(data)


def write(corpus, name, data):
  folder = os.path.join(ROOT, 'corpus', corpus)
  os.makedirs(folder, exist_ok=True)
  with open(os.path.join(folder, name), 'wb') as file:
    file.write(data)


def pairs(texts):
  return b''.join(text.encode() + b'\0' for text in texts)


def seed_pdus():
  requests = b''
  for file in sorted(os.listdir(GOLDEN)):
    if not file.endswith('.txt'):
      continue
    name = file[:-len('.txt')]
    kind, there, data = golden(file)
    flags = sum(bit for digest, bit in DIGESTS.items() if digest in there)
    write('pdu', name, bytes([flags | PDU_TOLD]) + data)
    if data[0] & 0x20:
      continue
    write('rx', name, bytes([flags, 1]) + data)
    if flags == 0 and kind != 'login_request':
      requests += data
    if kind == 'login_request':
      write('rx', name, bytes([RX_LOGIN_PDU, 1]) + data)
  write('rx', 'all_requests', bytes([0, 7]) + requests)
  bare = bytes(48)
  write('rx', 'many_pings', bytes([0, 9]) + bare * 60)
  write('rx', 'end_in_a_header', bytes([1, 1]) + bare[:20])
  write('rx', 'pings_with_data', bytes([4, 5]) + (bare[:7] + b'\x03' + bare[8:] + b'abc\0') * 20)
  write('rx', 'segment_too_long', bytes([4, 5]) + bare[:6] + b'\x02\x04' + bare[8:] + bytes(516))
  # As much as is taken, a word more, and what TotalAHSLength can say at the most.
  for words in (5, 6, 255):
    ahs = bytes([1, 0x80, 0, 0, words, 0, 0, 0]) + bytes(40 + 4 * words)
    write('rx', f'ahs_of_{words}_words', bytes([RX_SHORT_AHS, 3]) + bare + ahs + bare)
  write('rx', 'digests_mended', bytes([3 | RX_MEND_DIGESTS, 2]) + (bare + bytes(4)) * 3)


def header(opcode, data):
  """A header whose other bytes differ from each other, and its data segment."""
  bhs = bytearray((7 * i + 1) % 256 for i in range(48))
  bhs[0] = opcode
  bhs[4:8] = len(data).to_bytes(4, 'big')
  return bytes(bhs), data + bytes(-len(data) % 4)


def seed_names():
  for opcode in OPCODES:
    bhs, data = header(opcode, b'a=1\0bc=\0')
    write('pdu', f'every_field_of_0x{opcode:02x}', bytes([PDU_TOLD]) + bhs + data)
    write('pdu', f'bytes_behind_0x{opcode:02x}', bytes([PDU_TOLD]) + bhs + data + b'behind')
  for status in LOGIN_STATUSES:
    bhs, _ = header(0x23, b'')
    write('pdu', f'login_status_0x{status:04x}',
          bytes([PDU_TOLD]) + bhs[:36] + status.to_bytes(2, 'big') + bhs[38:])
  for name, sense in SENSES.items():
    bhs, data = header(0x21, bytes.fromhex(sense))
    write('pdu', f'sense_{name}', bytes([PDU_TOLD]) + bhs + data)


def seed_texts():
  write('text', 'all_keys', pairs(LOGINS['all_keys'][0][1]))
  write('text', 'numbers', pairs(['a=0', 'b=0x0', 'c=00', 'd=0xffffffffffffffff', 'e=1~2', 'f=']))
  write('text', 'binary', pairs(['a=0xab', 'b=0XABCD', 'c=0x1', 'd=0b', 'e=0bYQ==', 'f=0bYWI=',
                                 'g=0bYWJj', 'h=0bYR==', 'i=0bYQ=', 'j=0b*', 'k=0xg', 'l=17']))
  write('text', 'characters', b''.join(
      b'n%d=iqn.2026-11.org.example:' % i + bytes.fromhex(name) + b'\0' for i, name in enumerate(
          ('c3b6', 'e6bca2', 'f0908d88', 'c080', 'e08080', 'eda080', 'f0808080', 'f4908080', 'c328',
           'ff', 'c3', 'e6bc'))))
  write('text', 'names', pairs(['a=eui.02004567A425678D', 'b=eui.0200', 'c=naa.52004567BA64678D',
                                'd=iqn.2026-11', 'e=no.name', 'f=' + 'iqn.' + 'x' * 220]))
  write('text', 'no_nul', b'a=b')
  for name, requests in LOGINS.items():
    data = b''
    for flags, texts in requests:
      text = pairs(texts)
      data += bytes([flags]) + len(text).to_bytes(2, 'big') + text
    write('login', name, data)


def seed_iser():
  control = bytes([0x1d, 0, 0, 0]) + bytes(range(24))
  write('iser_header', 'both_buffers', control + bytes(48))
  write('iser_header', 'no_buffer', bytes([0x11]) + bytes(27))
  write('iser_header', 'hello', bytes([0x20, 0xaa, 0, 16]) + bytes(24))
  write('iser_header', 'hello_reply', bytes([0x30, 0xaa, 0, 16]) + bytes(24))
  write('iser_header', 'short', bytes(27))


def seed_files():
  folder = os.path.join(ROOT, 'conformance/suites')
  for area in ('nop', 'chap', 'iser', 'softroce', 'login', 'write'):
    case = sorted(os.listdir(os.path.join(folder, area)))[0]
    text = read(os.path.join(folder, area, case))
    write('scenario', f'{area}_{case}', re.sub(r'^#.*\n', '', text, flags=re.M).encode())
  for trace in ('nop_out', 'ahs_extended_cdb'):
    path = os.path.join(ROOT, 'corpus/traces/to_target', trace + '.textproto')
    write('scenario', f'trace_{trace}.textproto', read(path).encode())
  os.makedirs(os.path.join(ROOT, 'corpus/capture'), exist_ok=True)
  shutil.copy(os.path.join(ROOT, 'conformance/capture/testdata/loopback.pcap'),
              os.path.join(ROOT, 'corpus/capture/loopback.pcap'))
  tgt = read(os.path.join(ROOT, 'conformance/profiles/tgt.textproto'))
  write('profile', 'tgt_begin.textproto', tgt[:tgt.index('\n}\n') + 3].encode())
  write('profile', 'all_fields.textproto', (
      'target: "t 1"\nexpect { id: "a/b" verdict: ["FAIL", "TIMEOUT"] message_prefix: "m"\n'
      'reason: "r" bug: "1" expires: "2027-06-30" unsteady: true }\n# why\n'
      'expect { id: "c/*" reason: "s" }\nstep_timeout_ms: 5\nrestart_command: "x"\n'
      'hook { hook: "h" command: "c" }\n').encode())


def seed_streams():
  bazel = os.environ.get('BAZEL', 'bazel')
  subprocess.run([bazel, 'build', '//fuzz/streams:seed_streams'], cwd=ROOT, check=True)
  seeder = os.path.join(ROOT, 'bazel-bin/fuzz/streams/seed_streams')
  with tempfile.TemporaryDirectory() as folder:
    subprocess.run([seeder, str(max(STREAMS)), folder], check=True)
    for number in STREAMS:
      name = f'stream_{number}'
      shutil.copy(os.path.join(folder, name), os.path.join(ROOT, 'corpus/cdb', name))


def contents(folder):
  """By content, the names of the files in a folder."""
  names = {}
  for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), 'rb') as file:
      names.setdefault(file.read(), name)
  return names


def seed_sessions(minimise):
  bazel = os.environ.get('BAZEL', 'bazel')
  subprocess.run([bazel, 'build', '//fuzz/session:seed_sessions'], cwd=ROOT, check=True)
  seeder = os.path.join(ROOT, 'bazel-bin/fuzz/session/seed_sessions')
  for kind, corpus in (('tcp', 'session'), ('iser', 'iser_session')):
    with tempfile.TemporaryDirectory() as folder:
      all_seeds, chosen = os.path.join(folder, 'all'), os.path.join(folder, 'chosen')
      os.makedirs(all_seeds)
      os.makedirs(chosen)
      subprocess.run([seeder, kind, all_seeds], check=True)
      seeds = contents(all_seeds)
      for name in seeds.values():
        path = os.path.join(ROOT, 'corpus', corpus, name)
        if os.path.exists(path):
          os.remove(path)
      if minimise:
        subprocess.run([bazel, 'run', '--config=fuzz', f'//fuzz:{corpus}_fuzz', '--', '-merge=1',
                        chosen, all_seeds], cwd=ROOT, check=True)
        kept = contents(chosen)
      else:
        kept = seeds
      for data in kept:
        write(corpus, seeds[data], data)


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--minimise', action='store_true',
                      help='of whole sessions only those that add to coverage (builds the fuzzers)')
  options = parser.parse_args()
  seed_pdus()
  seed_names()
  seed_texts()
  seed_iser()
  seed_files()
  seed_streams()
  seed_sessions(options.minimise)


if __name__ == '__main__':
  main()
