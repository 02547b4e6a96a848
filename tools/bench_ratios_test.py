"""Tests of bench_ratios.py."""

import unittest

import bench_ratios


def _run(name, ns, kind='iteration'):
  return {'name': name, 'run_name': name, 'run_type': kind, 'cpu_time': ns}


class BenchRatiosTest(unittest.TestCase):

  def test_the_quickest_repetition_counts(self):
    ns = bench_ratios.ns_of({'benchmarks': [
        _run('BM_Queue', 3.0), _run('BM_Queue', 2.0), _run('BM_Queue', 1.0, 'aggregate')]})
    self.assertEqual(ns, {'BM_Queue': 2.0})

  def test_ratios(self):
    text = bench_ratios.report({'benchmarks': [
        _run('BM_PullCold/data:8192/digests:0', 32000.0),
        _run('BM_CopyCold/data:8192/digests:0', 24000.0),
        _run('BM_Push/data:0', 480.0)]})
    self.assertIn('| TCP | 8192 | 1 GiB | 2000 | 1500 | 0.75 | 0.9 |', text)
    self.assertIn('| a pushed PDU without data | 30.0 ns | < 40 ns |', text)

  def test_side_by_side(self):
    names = ('BM_SizeDriven/data:64', 'BM_Pull/data:64/digests:0', 'BM_Push/data:64',
             'BM_SizeDrivenWritten/data:64', 'BM_PushWritten/data:64')
    runs = [_run(name, 160.0 * (i + 1)) for i, name in enumerate(names)]
    text = bench_ratios.report({'benchmarks': runs})
    self.assertIn('| 64 | 10 | 20 | 30 | 0.33 | 40 | 50 | 0.80 |', text)


if __name__ == '__main__':
  unittest.main()
