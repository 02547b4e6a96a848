"""A target that goes wrong after a Text Request: a proxy before a right one.

  faulty_proxy.py PORT TARGET_PORT FAULT [DISK]

FAULT: crash (it ends), hang (it takes connections and says nothing more), slow (sessions begin late
from then on), flood (it sends NOP-Ins without end), data (it changes block 40 of DISK).
"""

import asyncio
import os
import struct
import sys

BHS = 48
TEXT_REQUEST = 0x04
LATE_S = 0.5
FLOOD = 20000


class Proxy:

  def __init__(self, target_port, fault, disk):
    self.target_port, self.fault, self.disk = target_port, fault, disk
    self.wrong = False

  async def serve(self, reader, writer):
    if self.wrong and self.fault == 'hang':
      await reader.read()
    elif self.wrong and self.fault == 'slow':
      await asyncio.sleep(LATE_S)
    if not (self.wrong and self.fault == 'hang'):
      await self.carry(reader, writer)
    writer.close()

  async def carry(self, reader, writer):
    upper_reader, upper_writer = await asyncio.open_connection('127.0.0.1', self.target_port)
    numbers = [b'']
    down = asyncio.ensure_future(self.answers(upper_reader, writer, numbers))
    try:
      while len(header := await reader.readexactly(BHS)) == BHS:
        length = header[4] * 4 + -(-int.from_bytes(header[5:8], 'big') // 4) * 4
        if header[0] & 0x3f == TEXT_REQUEST and not await self.go_wrong(writer, numbers[0]):
          return
        upper_writer.write(header + await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
      pass
    finally:
      upper_writer.close()
      await down

  async def answers(self, reader, writer, numbers):
    """What the target sends; its last StatSN, ExpCmdSN and MaxCmdSN stay in `numbers`."""
    try:
      while header := await reader.readexactly(BHS):
        length = header[4] * 4 + -(-int.from_bytes(header[5:8], 'big') // 4) * 4
        numbers[0] = header[24:36]
        writer.write(header + await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
      pass
    writer.close()

  async def go_wrong(self, writer, numbers):
    """Whether the connection goes on."""
    self.wrong = True
    if self.fault == 'crash':
      os._exit(1)
    if self.fault == 'data':
      with open(self.disk, 'r+b') as file:
        file.seek(40 * 512)
        file.write(b'changed')
    if self.fault == 'flood' and numbers:
      stat_sn, exp_cmd_sn, max_cmd_sn = struct.unpack('>III', numbers)
      writer.write(FLOOD * struct.pack('>BB6xQIIIII12x', 0x20, 0x80, 0, 0xffffffff, 0xffffffff,
                                       (stat_sn + 1) & 0xffffffff, exp_cmd_sn, max_cmd_sn))
    return self.fault != 'hang'


async def main(port, target_port, fault, disk=None):
  proxy = Proxy(int(target_port), fault, disk)
  server = await asyncio.start_server(proxy.serve, '127.0.0.1', int(port), backlog=256)
  async with server:
    await server.serve_forever()


if __name__ == '__main__':
  asyncio.run(main(*sys.argv[1:]))
