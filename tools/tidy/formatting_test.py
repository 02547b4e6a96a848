"""This tree is formatted, and the check of it can fail."""

import os
import tempfile
import unittest

import formatting
import tree as trees

TIDY = {
    '.clang-format': 'BasedOnStyle: Google\nColumnLimit: 100\n',
    'a.cc': 'int f(int x) { return x; }\n',
    'BUILD.bazel': 'cc_library(\n    name = "a",\n    srcs = ["a.cc"],\n)\n',
    'run': '#!/bin/bash\necho "$1"\n',
    'a.sh': '#!/bin/bash\necho "$1"\n',
}


class FormattingTest(unittest.TestCase):

  def problems(self, more):
    with tempfile.TemporaryDirectory() as root:
      return formatting.check(trees.write(root, {**TIDY, **more}))

  def test_tidy(self):
    self.assertEqual(self.problems({}), [])

  def test_untidy(self):
    for path, text in (
        ('a.cc', 'int  f( int x ) { return x; }\n'),
        ('b.h', '  int x;\n'),
        ('BUILD.bazel', 'cc_library(name="a")\n'),
        ('b.bzl', '"""B."""\nx = [ 1 ]\n'),
        ('c.bzl', '"""C."""\n\nload("//:d.bzl", "unused")\n'),
        ('WORKSPACE', 'workspace( name = "x" )\n'),
        ('run', '#!/bin/bash\necho $1\n'),
        ('a.sh', '#!/bin/bash\ncd nowhere\n'),
    ):
      with self.subTest(path, text=text):
        self.assertEqual(len(self.problems({path: text})), 1)

  def test_fix(self):
    with tempfile.TemporaryDirectory() as root:
      tree = trees.write(root, {**TIDY, 'a.cc': 'int  x ;\n', 'BUILD.bazel': 'cc_test(name="a")\n'})
      self.assertEqual(formatting.fix(tree), [])
      self.assertEqual(formatting.check(tree), [])

  def test_this_tree(self):
    trees.expect_tidy(self, formatting.check(trees.real()))


if __name__ == '__main__':
  os.environ['BUILDIFIER'] = os.path.abspath(os.environ['BUILDIFIER'])
  unittest.main()
