"""Tests of tree.py."""

import os
import tempfile
import unittest

import tree as trees


class TreeTest(unittest.TestCase):

  def setUp(self):
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.root = folder.name

  def test_lists_files_but_no_links_and_no_artifacts(self):
    tree = trees.write(self.root, {'a/b.cc': '', 'a/c.h': '', '.git/d.cc': '',
                                   'fuzz-artifacts/e.cc': ''})
    os.symlink('a', os.path.join(self.root, 'bazel-bin'))
    os.symlink('a/b.cc', os.path.join(self.root, 'link.cc'))
    self.assertEqual(tree.files(), ['a/b.cc', 'a/c.h'])
    self.assertEqual(tree.files('.h'), ['a/c.h'])

  def test_knows_scripts(self):
    tree = trees.write(self.root,
                       {'run': '#!/bin/bash\n', 'LICENSE': 'Apache', 'a.sh': '#!/bin/sh'})
    self.assertEqual([f for f in tree.files() if tree.is_script(f)], ['run'])

  def test_exception_hides_its_problem_alone(self):
    tree = trees.write(self.root, {trees.EXCEPTIONS: 'lines data/*.textproto  # generated\n'})
    problems = [('data/a.textproto', '1'), ('code/a.cc', '2')]
    self.assertEqual(tree.excepted('lines', problems), ['2'])
    self.assertEqual(tree.excepted('columns', problems), ['1', '2'])

  def test_exception_that_is_not_needed_is_a_problem(self):
    tree = trees.write(self.root, {trees.EXCEPTIONS: '# comment\nlines gone.cc  # was long\n'})
    problems = tree.excepted('lines', [])
    self.assertEqual(len(problems), 1)
    self.assertIn('exceptions.txt:2: nothing needs', problems[0])

  def test_exception_needs_a_reason(self):
    for row in ('lines a.cc\n', 'lines a.cc #\n', 'a.cc  # reason\n'):
      with self.subTest(row), self.assertRaises(ValueError):
        trees.write(self.root, {trees.EXCEPTIONS: row}).excepted('lines', [])

  def test_finds_the_real_tree(self):
    self.assertIn('WORKSPACE', trees.real().files())


if __name__ == '__main__':
  unittest.main()
