"""A session of a few PDUs, for tests of what a target tells an initiator that says little."""

import socket
import struct

BHS = 48
LOGOUT_RESPONSE = 0x26
ASYNC_MESSAGE = 0x32


class RawSession:
  """Logged in, without digests, as soon as it is made."""

  def __init__(self, host, port, target, name='iqn.2001-04.com.example:raw', isid=1):
    self.socket = socket.create_connection((host, port), timeout=30)
    keys = {'InitiatorName': name, 'TargetName': target, 'SessionType': 'Normal'}
    text = b''.join(f'{key}={value}'.encode() + b'\0' for key, value in keys.items())
    # Login Request (RFC 7143 §11.12): T, from operational negotiation to full feature.
    header = struct.pack('>BBBBI6sHIHHII', 0x43, 0x87, 0, 0, len(text),
                         b'\x80\0\0\0\0' + bytes([isid]), 0, 1, 1, 0, 1, 0)
    self.socket.sendall(header.ljust(BHS, b'\0') + text.ljust(-(-len(text) // 4) * 4, b'\0'))
    opcode, header = self.next_pdu()
    if opcode != 0x23 or header[36] != 0 or header[1] & 0x83 != 0x83:
      raise AssertionError(f'no login: {header.hex()}')
    self.stat_sn = struct.unpack('>I', header[24:28])[0]

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.socket.close()

  def _take(self, size):
    data = b''
    while len(data) < size:
      more = self.socket.recv(size - len(data))
      if not more:
        return None
      data += more
    return data

  def next_pdu(self):
    """(opcode, header) of the next one; (None, b'') at the end."""
    header = self._take(BHS)
    if header is None:
      return None, b''
    self._take(-(-int.from_bytes(header[5:8], 'big') // 4) * 4)
    return header[0] & 0x3f, header

  def next_event(self):
    """(AsyncEvent, Parameter1, 2, 3) of the Async Message that must come."""
    opcode, header = self.next_pdu()
    if opcode != ASYNC_MESSAGE:
      raise AssertionError(f'no Async Message: {opcode} {header.hex()}')
    self.stat_sn = struct.unpack('>I', header[24:28])[0]
    return (header[36], *struct.unpack('>HHH', header[38:44]))

  def log_out(self):
    """Closes the session, which the target must answer."""
    header = struct.pack('>BBHIQIIII', 0x46, 0x80, 0, 0, 0, 2, 1 << 16, 1, self.stat_sn + 1)
    self.socket.sendall(header.ljust(BHS, b'\0'))
    opcode, header = self.next_pdu()
    if opcode != LOGOUT_RESPONSE or header[2] != 0:
      raise AssertionError(f'no logout: {header.hex()}')
