"""Tests of fuzz_coverage.py."""

import unittest

import fuzz_coverage

SOURCE = """\
void F() {
  if (Has(Bug::kOne)) {
    G();
  }
  if (Has(Bug::kTwo)) return;
  switch (x) {
    case 1:
      return;
    default:
      CHECK(false) << x
                   << y;
      return;
  }
}
inline std::ostream& operator<<(std::ostream& out, X x) { return out << x.name; }
std::ostream& operator<<(std::ostream& out, const Y& y) {
  return out << y.name;
}
int Next();
"""


class FuzzCoverageTest(unittest.TestCase):

  def test_lines_of_defects(self):
    self.assertEqual(fuzz_coverage.defect_lines(SOURCE), {3, 4})

  def test_defects_of_the_receive_machine(self):
    text = 'if (faults_.Owes()) {\n  G();\n}\nif (!faults_.Owes()) {\n  G();\n}\n'
    self.assertEqual(fuzz_coverage.defect_lines(text), {2, 3})

  def test_functions_of_defects(self):
    text = ('// Bug::kOne: why.\n// More.\nvoid F(int a,\n       int b) {\n  g();\n}\n'
            'void G() {\n}\n  // For a defect.\n  bool H() const {\n    return 1;\n  }\n'
            '// Bug::kTwo.\nif (x) {\n}\n// A word on a defect.\nint I();\n')
    self.assertEqual(fuzz_coverage.defect_functions(text), {3, 4, 5, 6, 10, 11, 12})

  def test_lines_that_no_right_program_reaches(self):
    self.assertEqual(fuzz_coverage.unreachable_lines(SOURCE), {9, 10, 11, 12, 15, 16, 17, 18})

  def test_the_count_of_a_line_is_that_of_what_begins_in_it(self):
    # line, column, count, counted, begins a region
    segments = [(1, 1, 5, True, True), (2, 9, 0, True, True), (3, 4, 5, True, False),
                (4, 2, 0, False, False)]
    self.assertEqual(fuzz_coverage.lines_of(segments), {1: 5, 2: 5, 3: 0, 4: 5})

  def test_numbers_that_follow_each_other_are_one_range(self):
    self.assertEqual(fuzz_coverage.ranges({9, 3, 5, 4}), '3-5 9')


if __name__ == '__main__':
  unittest.main()
