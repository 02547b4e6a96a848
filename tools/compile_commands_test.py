"""Tests of compile_commands.py."""

import unittest

import compile_commands


class CompileCommandsTest(unittest.TestCase):

  def test_entries(self):
    actions = [
        {'arguments': ['clang', '-no-canonical-prefixes', '-isystem', 'external/x/include',
                       '-isystem', 'bazel-out/bin/external/x', '-c', 'b/b.cc']},
        {'arguments': ['clang', '-c', 'a/a.cc']},
        {'arguments': ['clang', '-DTOOL', '-c', 'a/a.cc']},
    ]
    entries = compile_commands.compile_commands(actions, '/base')
    self.assertEqual([entry['file'] for entry in entries], ['a/a.cc', 'b/b.cc'])
    self.assertEqual(entries[0]['arguments'], ['clang', '-c', 'a/a.cc'])
    self.assertEqual(entries[1]['arguments'],
                     ['clang', '-isystem', '/base/external/x/include',
                      '-isystem', 'bazel-out/bin/external/x', '-c', 'b/b.cc'])


if __name__ == '__main__':
  unittest.main()
