"""The files and functions of this tree are short, and the check of it can fail."""

import tempfile
import unittest

import limits
import tree as trees


def function(lines, name='F'):
  return f'int {name}() {{\n' + '  G();\n' * (lines - 2) + '}\n'


class LimitsTest(unittest.TestCase):

  def problems(self, files):
    with tempfile.TemporaryDirectory() as root:
      return limits.check(trees.write(root, files))

  def test_at_the_limit(self):
    self.assertEqual(self.problems({
        'a.cc': '\n' * 500, 'b.h': '/' * 100, 'c.cc': function(70),
        'd.py': 'def f():\n' + '  g()\n' * 69, 'long_test.cc': function(400),
        'LICENSE': 'x' * 200, 'url.h': '// https://' + 'x' * 200,
    }), [])

  def test_above_the_limit(self):
    for path, text in (
        ('a.cc', '\n' * 501),
        ('a.textproto', '\n' * 501),
        ('script', '#!/bin/bash\n' + '\n' * 500),
        ('a.h', '/' * 101),
        ('a.bzl', '\n#' + 'ä' * 100),
        ('a.cc', function(71)),
        ('a.cc', 'namespace a {\nclass B {\n' + function(71) + '};\n}\n'),
        ('a.py', 'def f():\n' + '  g()\n' * 70),
    ):
      with self.subTest(path, text=text[:20]):
        self.assertEqual(len(self.problems({path: text})), 1)

  def test_excepted(self):
    self.assertEqual(self.problems({
        'data/a.textproto': '\n' * 501,
        trees.EXCEPTIONS: 'lines data/*  # a table\n',
    }), [])

  def test_this_tree(self):
    trees.expect_tidy(self, limits.check(trees.real()))


if __name__ == '__main__':
  unittest.main()
