"""Writes a header and a source that hold files as string literals (see embed.bzl)."""

import sys

HEADER = '''// Written by bazel/embed.
#ifndef {guard}
#define {guard}

#include <span>

#include "base/embedded_file.h"

namespace {namespace} {{
std::span<const base::EmbeddedFile> {function}();
}}  // namespace {namespace}

#endif  // {guard}
'''

SOURCE = '''// Written by bazel/embed.
#include "{header}"

namespace {namespace} {{
namespace {{

constexpr base::EmbeddedFile kFiles[] = {{
{entries}}};

}}  // namespace

std::span<const base::EmbeddedFile> {function}() {{ return kFiles; }}

}}  // namespace {namespace}
'''

# Compilers are allowed to stop at 64 KiB a literal; adjacent literals are joined.
CHUNK = 8192


def literal(contents):
  """The bytes as C++ string literals."""
  out = []
  for start in range(0, len(contents), CHUNK):
    piece = contents[start:start + CHUNK]
    text = ''
    for byte in piece:
      if byte == 0x0a:
        text += '\\n'
      elif byte in (0x22, 0x5c):
        text += '\\' + chr(byte)
      elif 0x20 <= byte < 0x7f and byte != 0x3f:  # '?': trigraphs
        text += chr(byte)
      else:
        text += f'\\{byte:03o}'
    out.append(f'"{text}"')
  return '\n'.join(out) or '""'


def main():
  header, source, include, namespace, function, *paths = sys.argv[1:]
  entries = ''
  for path in sorted(paths):
    with open(path, 'rb') as file:
      contents = file.read()
    entries += f'{{"{path}", std::string_view({literal(contents)}, {len(contents)})}},\n'
  guard = include.upper().replace('/', '_').replace('.', '_') + '_'
  with open(header, 'w', encoding='ascii') as out:
    out.write(HEADER.format(guard=guard, namespace=namespace, function=function))
  with open(source, 'w', encoding='ascii') as out:
    out.write(SOURCE.format(
        header=include, namespace=namespace, function=function, entries=entries))


if __name__ == '__main__':
  main()
