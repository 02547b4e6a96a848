"""Every requirement on targets is named by something, and the check of it can fail."""

import tempfile
import unittest

import requirements
import tree as trees

ROW = '''requirement {
  id: "RFC7143-1-%s"
  requirement:
    "What \\"it\\" asks "
    "for."
  side: %s
  transports: %s
%s}
'''


def rows(*lines):
  return {'conformance/requirements/target/x.textproto': '\n'.join(ROW % line for line in lines)}


class RequirementsTest(unittest.TestCase):

  def problems(self, *files):
    with tempfile.TemporaryDirectory() as root:
      return requirements.check(trees.write(root, {k: v for f in files for k, v in f.items()}))

  def test_names(self):
    for text, expected in (
        ('// RFC7143-6.3-e, -g, 9.2-c: text, -not', 'RFC7143-6.3-e RFC7143-6.3-g RFC7143-9.2-c'),
        ('// RFC7143-6.3-e and, -g', 'RFC7143-6.3-e'),
        ('// RFC7143-6.3-e,\n// -g', 'RFC7143-6.3-e RFC7143-6.3-g'),
        ('# RFC7143-6.3-e,\n# 6.4-g', 'RFC7143-6.3-e RFC7143-6.4-g'),
        ('"RFC7143-C-a RFC7144-E.1-b"', 'RFC7143-C-a RFC7144-E.1-b'),
        ('RFC 7143 §6.3', ''),
    ):
      with self.subTest(text):
        self.assertEqual(requirements.rows_in(text), expected.split())

  def test_row_without_a_name(self):
    row = ('a', 'TARGET_SIDE', 'TCP', '')
    self.assertEqual(len(self.problems(rows(row))), 1)
    self.assertEqual(len(self.problems(rows(('a', 'TARGET_SIDE', 'ISER', '')))), 1)
    self.assertEqual(self.problems(rows(('a', 'INITIATOR_SIDE', 'TCP', ''))), [])
    for path, text in (
        ('conformance/suites/x/y.textproto', 'cite: "RFC7143-1-a"\n'),
        ('conformance/monitor/rules.cc', '{R::kX, "x", "", "RFC7143-1-a"}\n'),
        ('target/x_test.cc', '// RFC7143-1-a\n'),
        ('tools/x_test.py', '# RFC7143-1-a\n'),
    ):
      with self.subTest(path):
        self.assertEqual(self.problems(rows(row), {path: text}), [])
    for path, text in (
        ('conformance/suites/x/y.textproto', '# RFC7143-1-a\n'),
        ('target/x.cc', '// RFC7143-1-a\n'),
        ('target/bugs/bug_list.inc', 'BUG(kX, "x", kSafe, "RFC7143-1-a", "X.")\n'),
    ):
      with self.subTest(path):
        self.assertEqual(len(self.problems(rows(row), {path: text})), 1)

  def test_reasons(self):
    for field in ('out_of_reach', 'not_yet'):
      self.assertEqual(
          self.problems(rows(('a', 'TARGET_SIDE', 'BOTH', f'  {field}:\n    "why "\n    "not"\n'))),
          [])
    both = '  out_of_reach: "x"\n  not_yet: "x"\n'
    self.assertEqual(len(self.problems(rows(('a', 'TARGET_SIDE', 'BOTH', both)))), 1)

  def test_reason_that_holds_no_longer(self):
    row = rows(('a', 'TARGET_SIDE', 'BOTH', '  not_yet: "x"\n'))
    self.assertEqual(len(self.problems(row, {'target/x_test.cc': '// RFC7143-1-a\n'})), 1)

  def test_unknown_row(self):
    for path, text in (
        ('conformance/suites/x/y.textproto', 'cite: "RFC7143-1-b"\n'),
        ('conformance/monitor/rules.cc', '"RFC7143-1-a RFC7143-1-b"\n'),
        ('target/x_test.cc', '// RFC7143-1-a, -b\n'),
        ('target/bugs/bug_list.inc', 'BUG(kX, "x", kSafe, "RFC7143-1-b", "X.")\n'),
    ):
      with self.subTest(path):
        row = rows(('a', 'TARGET_SIDE', 'TCP', ''))
        named = {'tools/x_test.py': '# RFC7143-1-a\n'}
        self.assertEqual(len(self.problems(row, named, {path: text})), 1)

  def test_report(self):
    with tempfile.TemporaryDirectory() as root:
      tree = trees.write(root, {
          **rows(('a', 'TARGET_SIDE', 'TCP', ''),
                 ('b', 'TARGET_SIDE', 'BOTH', '  not_yet: "why"\n'),
                 ('c', 'TARGET_SIDE', 'ISER', '')),
          'target/x_test.cc': '// RFC7143-1-a, -c\n',
      })
      self.assertEqual(
          requirements.report(tree, True),
          'RFC7143-1-a: target/x_test.cc\n\n'
          '1 of 2 requirements on targets over TCP are named: 0 by cases, '
          "0 by the monitor's rules, "
          '1 by unit tests.\nThe other 1:\n  1: why\n     RFC7143-1-b')

  def test_this_tree(self):
    trees.expect_tidy(self, requirements.check(trees.real()))


if __name__ == '__main__':
  unittest.main()
