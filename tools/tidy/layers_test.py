"""The dependency rule holds in this tree, and the check of it can fail."""

import tempfile
import unittest

import layers
import tree as trees


class LayersTest(unittest.TestCase):

  def problems(self, files):
    with tempfile.TemporaryDirectory() as root:
      return layers.check(trees.write(root, files))

  def test_include_across_the_wire(self):
    for path, included in (
        ('target/rx/rx.cc', 'initiator_sim/pdu/codec.h'),
        ('initiator_sim/pdu/codec.h', 'target/pdu/pdu.h'),
        ('conformance/runner/run.cc', 'target/target.h'),
        ('conformance/runner/run_test.cc', 'target/target.h'),
        ('fabric/loop.h', 'target/target.h'),
        ('fabric/loop.h', 'pushpull/v1/pdu.pb.h'),
        ('base/check.h', 'fabric/loop.h'),
        ('target/x.h', 'fuzz/x.h'),
        ('fuzz/x.h', 'tools/x.h'),
    ):
      with self.subTest(path, included=included):
        self.assertEqual(len(self.problems({path: f'#pragma once\n#include "{included}"\n'})), 1)

  def test_include_that_is_allowed(self):
    self.assertEqual(self.problems({
        'target/x.cc': '#include <vector>\n#include "target/x.h"\n#include "base/check.h"\n'
                       '#include "pushpull/v1/pdu.pb.h"\n#include "gtest/gtest.h"\n',
        'conformance/x.cc': '#include "initiator_sim/x.h"\n',
        'tools/x.cc': '#include "target/x.h"\n#include "conformance/x.h"\n',
        'fuzz/x.cc': '  // #include "tools/x.h"\n#include "target/x.h"\n',
    }), [])

  def test_include_not_from_the_root(self):
    for included in ('x.h', '../target/x.h'):
      self.assertEqual(len(self.problems({'target/x.cc': f'#include "{included}"\n'})), 1)

  def test_dependency_across_the_wire(self):
    build = 'cc_library(\n    name = "x",\n    %s = ["%s"],\n)\n'
    for path, attribute, label in (
        ('target/rx/BUILD.bazel', 'deps', '//initiator_sim/pdu'),
        ('initiator_sim/BUILD.bazel', 'data', '//target:x'),
        ('conformance/runner/BUILD.bazel', 'deps', '//target/portal:portal'),
        ('base/BUILD.bazel', 'deps', '//proto:pdu_cc_proto'),
        ('nowhere/BUILD.bazel', 'deps', '//base:check'),
    ):
      with self.subTest(path, label=label):
        self.assertEqual(len(self.problems({path: build % (attribute, label)})), 1)

  def test_dependency_that_is_allowed(self):
    self.assertEqual(self.problems({'target/rx/BUILD.bazel': '''
cc_library(
    name = "rx",
    visibility = ["//fuzz:__subpackages__"],
    deps = [":y", "//base:check", "//target/pdu", "@com_google_absl//:status"],
)
'''}), [])

  def test_this_tree(self):
    trees.expect_tidy(self, layers.check(trees.real()))


if __name__ == '__main__':
  unittest.main()
