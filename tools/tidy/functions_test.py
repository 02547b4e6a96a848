"""Tests of functions.py."""

import unittest

import functions

CPP = r'''#include "x.h"
#define OPEN {
namespace a {
namespace {
constexpr int kTable[] = {1, 2};  // {
const auto kLambda = [](int x) { return x; };

struct S : public T {
 public:
  S() : a_{1} {
  }
  int Method(int x) const override {
    if (x) {
      return '{';
    }
    return 1'000;
  }
  int a_;
};
}  // namespace

/* a comment { */
template <typename T = int>
std::vector<int> Free(
    int x,
    int y) {
  auto f = [&] { return "{\"{"; };
  return R"(}}} ")";
}

extern "C" int Entry(const char* x) {
  for (;;) {
  }
}

bool operator==(const S& a, const S& b) {
  return a.a_ == b.a_;
}
}  // namespace a
'''


class FunctionsTest(unittest.TestCase):

  def test_cpp(self):
    found = {signature.split('(')[0].split()[-1]: (line, count)
             for line, count, signature in functions.cpp_functions(CPP)
             if signature[0] != ','}
    self.assertEqual(found['Method'], (12, 6))
    self.assertEqual(found['Free'], (23, 7))
    self.assertEqual(found['Entry'], (31, 4))
    self.assertEqual(found['operator=='], (36, 3))
    self.assertNotIn('kTable[]', found)
    self.assertNotIn('kLambda', found)

  def test_python(self):
    self.assertEqual(functions.python_functions('class A:\n  def f(self):\n    x = 1\n    y = 2\n'),
                     [(2, 3, 'f')])


if __name__ == '__main__':
  unittest.main()
