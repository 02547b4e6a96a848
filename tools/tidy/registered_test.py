"""No test, fuzz target or case of this tree is left out, and the check of it can fail."""

import tempfile
import unittest

import registered
import tree as trees

TREE = {
    'a/BUILD.bazel': '''
cc_test(name = "x_test", srcs = ["x_test.cc"])
py_test(name = "y_test", srcs = ["y.py", "y_test.py"])
sh_test(name = "z_test", srcs = ["sub/z_test.sh"])
cc_library(name = "not_a_test", srcs = ["w_test.cc"])
''',
    'a/x_test.cc': '',
    'a/y_test.py': '',
    'a/sub/z_test.sh': '',
    'fuzz/BUILD.bazel': '''
load("//bazel/fuzzing:defs.bzl", "cc_fuzz_test")
[cc_fuzz_test(name = n + "_fuzz", srcs = [n + "_fuzz.cc"]) for n in ["rx"]]
''',
    'fuzz/rx_fuzz.cc': '',
    'conformance/suites/BUILD.bazel': 'filegroup(name = "s", srcs = glob(["**/*.textproto"]))',
    'conformance/suites/login/a.textproto': '',
    'corpus/BUILD.bazel': '[filegroup(name = n, srcs = glob([n + "/**"])) for n in ["rx"]]',
    'corpus/rx/crash-1': '',
}


class RegisteredTest(unittest.TestCase):

  def problems(self, more):
    with tempfile.TemporaryDirectory() as root:
      return registered.check(trees.write(root, {**TREE, **more}))

  def test_all_registered(self):
    self.assertEqual(self.problems({}), [])

  def test_left_out(self):
    for path in ('a/v_test.cc', 'a/v_test.py', 'a/sub/v_test.sh', 'a/w_test.cc', 'b/v_test.cc',
                 'fuzz/tx_fuzz.cc', 'fuzz/sub/tx_fuzz.cc', 'corpus/tx/a'):
      with self.subTest(path):
        (problem,) = self.problems({path: ''})
        self.assertTrue(problem.startswith(path + ':'))

  def test_case_in_another_package_is_not_reached(self):
    (problem,) = self.problems({'conformance/suites/new/BUILD.bazel': '',
                                'conformance/suites/new/b.textproto': ''})
    self.assertIn('new/b.textproto', problem)

  def test_manual_test_is_never_run(self):
    (problem,) = self.problems({'b/BUILD.bazel': '''
cc_test(name = "v_test", srcs = ["v_test.cc"], tags = ["manual"])
''', 'b/v_test.cc': ''})
    self.assertIn('v_test is manual', problem)

  def test_this_tree(self):
    trees.expect_tidy(self, registered.check(trees.real()))


if __name__ == '__main__':
  unittest.main()
