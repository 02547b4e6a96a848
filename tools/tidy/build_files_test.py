"""Tests of build_files.py."""

import tempfile
import unittest

import build_files
import tree as trees

BUILD = '''
load("//bazel:defs.bzl", "made_test")

package(default_visibility = ["//visibility:public"])

NAMES = {"a": ["b"], "c": []}

[cc_library(
    name = name,
    srcs = [name + ".cc"],
    deps = [":" + dep for dep in deps] + select({
        "//conditions:default": ["//base:check"],
    }),
) for name, deps in NAMES.items()]

made_test(
    name = "made",
    data = glob(["**/*.txt"], exclude = ["no/*"]),
)

filegroup(
    name = "one",
    srcs = glob(["*.txt"]) + ["//other:file.txt", "@away//:file"],
)
'''


class BuildFilesTest(unittest.TestCase):

  def setUp(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.root = folder.name

  def read(self, files):
    (package, problem), = [p for p in build_files.packages(trees.write(self.root, files))
                           if p[0] is None or p[0].folder == 'x']
    self.assertIsNone(problem)
    return package

  def test_reads_rules_and_globs(self):
    package = self.read({'x/BUILD.bazel': BUILD, 'x/1.txt': '', 'x/y/2.txt': '', 'x/no/3.txt': '',
                         'x/below/BUILD.bazel': '', 'x/below/4.txt': ''})
    rules = {rule.name: rule for rule in package.rules}
    self.assertEqual(sorted(rules), ['a', 'c', 'made', 'one'])
    self.assertEqual(rules['a'].kind, 'cc_library')
    self.assertEqual(list(package.labels(rules['a'], 'deps')), [':b', '//base:check'])
    self.assertEqual(list(package.files(rules['a'], 'srcs')), ['x/a.cc'])
    self.assertEqual(list(package.files(rules['made'])), ['x/1.txt', 'x/y/2.txt'])
    self.assertEqual(list(package.files(rules['one'])), ['x/1.txt', 'other/file.txt'])
    self.assertEqual(rules['made'].line, 16)

  def test_says_what_it_cannot_read(self):
    tree = trees.write(self.root, {'x/BUILD.bazel': 'cc_library(\n'})
    (package, problem), = build_files.packages(tree)
    self.assertIsNone(package)
    self.assertIn('x/BUILD.bazel: cannot be read', problem)


if __name__ == '__main__':
  unittest.main()
