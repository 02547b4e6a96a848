"""Nothing banned is in this tree, and the check of it can fail."""

import tempfile
import unittest

import banned
import tree as trees


class BannedTest(unittest.TestCase):

  def problems(self, files):
    with tempfile.TemporaryDirectory() as root:
      return banned.check(trees.write(root, files))

  def test_banned(self):
    for path, line in (
        ('base/a.h', '// TODO: more'),
        ('tools/a.py', '# FIXME'),
        ('target/a.cc', 'std::this_thread::sleep_for(1s);'),
        ('target/a_test.cc', 'usleep(10);'),
        ('a_test.py', 'time.sleep(1)'),
        ('a_test.sh', 'while true; do sleep 1; done'),
        ('a_test.sh', 'sleep 0.1'),
        ('fabric/a.cc', 'std::cout << 1;'),
        ('conformance/a.cc', 'printf("x");'),
        ('target/a_test.cc', 'TEST(A, DISABLED_B) {'),
        ('target/a_test.cc', 'GTEST_SKIP() << "no";'),
        ('target/BUILD.bazel', '    flaky = True,'),
        ('tools/a.sh', 'cd /home/me'),
        ('tools/a.py', "ROOT = '/root/x'"),
    ):
      with self.subTest(path, line=line):
        self.assertEqual(len(self.problems({path: line + '\n'})), 1)

  def test_allowed(self):
    self.assertEqual(self.problems({
        'base/a.h': 'std::snprintf(buffer, 1, "x");\nint asleep();\n// a todo list\n',
        'tools/a.cc': 'std::cout << 1;\n',
        'target/a_test.cc': '  if (!kBugsEnabled) GTEST_SKIP() << "built without defects";\n',
        'tools/b.py': 'time.sleep(1)\n',
        'a_test.sh': '# no sleep here\n',
        'README.md': 'TODO\n',
    }), [])

  def test_this_tree(self):
    trees.expect_tidy(self, banned.check(trees.real()))


if __name__ == '__main__':
  unittest.main()
