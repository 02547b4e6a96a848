"""What is made of measurements, and what is read out of other programs' words."""

import os
import tempfile
import unittest
from xml.etree import ElementTree

from tools.speed import bench_scale, figures, loads, svg


def sample(number, target, rate, cpu_us, load='a load'):
  return figures.Sample(number, load, target, rate, rate * 4096 / 1e6, cpu_us)


# The second round was disturbed: all of it.
ROUNDS = [sample(0, 'tgtd', 100, 10), sample(0, 'ram', 200, 4), sample(1, 'tgtd', 10, 100),
          sample(1, 'ram', 20, 40), sample(2, 'tgtd', 100, 10), sample(2, 'ram', 300, 5)]


class LoadsTest(unittest.TestCase):

  def test_average_of_iscsi_perf(self):
    text = 'connected\n\r00:00:00 - lba 8, iops average 17 (0 MB/s)\riops average 199094 (777 MB/s)'
    self.assertEqual(loads.iscsi_perf_rate(text), 199094)
    with self.assertRaisesRegex(AssertionError, 'no average'):
      loads.iscsi_perf_rate('Failed to log in')

  def test_time_of_qemu_img(self):
    self.assertEqual(loads.qemu_rate('Sending\nRun completed in 0.500 seconds.\n', 1000), 2000)
    with self.assertRaisesRegex(AssertionError, 'no time'):
      loads.qemu_rate('qemu-img: could not open', 1000)

  def test_scattered_requests_reach_every_block(self):
    blocks = (256 << 20) // 4096
    step = loads.SCATTER_BYTES // 4096
    self.assertEqual(len({i * step % blocks for i in range(blocks)}), blocks)

  def test_loads_have_names_of_their_own(self):
    self.assertEqual(len({load.name for load in loads.LOADS}), len(loads.LOADS))


class FiguresTest(unittest.TestCase):

  def test_ratios_are_taken_within_a_round(self):
    self.assertEqual(figures.ratio(ROUNDS, 'a load', 'ram', 'tgtd', 'rate').median, 2)
    self.assertEqual(figures.ratio(ROUNDS, 'a load', 'ram', 'tgtd', 'cpu_us').median, 0.4)

  def test_one_round_has_no_spread(self):
    self.assertEqual(figures.spread([3]), (3, 3, 3))

  def test_spread_leaves_out_what_lies_far_away(self):
    self.assertEqual(figures.spread([1, 2, 3, 4, 100]), (3, 2, 4))

  def test_table(self):
    lines = figures.table(ROUNDS, 'tgtd')
    self.assertEqual(lines[2], '| a load | 100 | 10.0 | 2.00 (2.00 to 2.50) | 5.0 | '
                               '0.40 (0.40 to 0.45) |')

  def test_a_load_that_was_not_played_on_a_target(self):
    more = ROUNDS + [sample(0, 'tgtd', 7, 7, 'other')]
    self.assertEqual(figures.table(more, 'tgtd')[3], '| other | 7 | 7.0 |  |  |  |')

  def test_csv_comes_back(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'out.csv')
      figures.write_csv(path, ROUNDS)
      again = figures.read_csv(path)
    self.assertEqual([one[:4] for one in again], [one[:4] for one in ROUNDS])
    self.assertEqual([one.cpu_us for one in again], [one.cpu_us for one in ROUNDS])


class ScaleTest(unittest.TestCase):

  POINTS = [bench_scale.Point(number, sessions, 1, rate, 2.5, 90, 2048, 4096)
            for number, sessions, rate in ((0, 1, 10), (0, 64, 50), (1, 1, 30), (1, 64, 70),
                                           (2, 1, 20), (2, 64, 1000))]

  def test_what_load_says(self):
    text = ('pushpull: 64 sessions are logged in\n115716 commands of 4096 bytes by 64 sessions in '
            '2.0 s: 57813 a second, all read back and compared\n')
    self.assertEqual(bench_scale.summary(text), (115716, 57813))
    with self.assertRaisesRegex(AssertionError, 'no rate'):
      bench_scale.summary('pushpull: the target refuses')

  def test_medians(self):
    self.assertEqual(bench_scale.medians(self.POINTS, 'rate', 'sessions'), [(1, 20), (64, 70)])
    self.assertEqual(bench_scale.table(self.POINTS, 'sessions')[3],
                     '| 64 | 70 | 2.5 | 90 | 2.0 | 4.0 |')

  def test_files(self):
    with tempfile.TemporaryDirectory() as folder:
      bench_scale.write(os.path.join(folder, 'scale'), self.POINTS, self.POINTS, self.POINTS)
      self.assertEqual(sorted(os.listdir(folder)),
                       ['scale.csv', 'scale_memory.svg', 'scale_rate.svg'])


class SvgTest(unittest.TestCase):

  def elements(self, text, name):
    return ElementTree.fromstring(text).findall(f'{{http://www.w3.org/2000/svg}}{name}')

  def test_bars(self):
    groups = [('read < 4', [(2, 1, 3), None]), ('write', [(1, 1, 1), (4, 3, 5)])]
    text = svg.bars('title & more', groups, ['ram', 'null'], 'ratio')
    # The paper, two of the legend, three values.
    rects = self.elements(text, 'rect')
    self.assertEqual(len(rects), 6)
    widths = [float(rect.get('width')) for rect in rects[3:]]
    self.assertAlmostEqual(widths[2] / widths[0], 2, places=2)
    self.assertIn('read < 4', [element.text for element in self.elements(text, 'text')])

  def test_lines(self):
    text = svg.lines('title', {'one': [(1, 5), (1024, 10)], 'other': [(32, 0)]}, 'sessions', 'MiB')
    points = self.elements(text, 'polyline')[0].get('points').split()
    self.assertEqual(len(points), 2)
    xs = [float(circle.get('cx')) for circle in self.elements(text, 'circle')]
    self.assertAlmostEqual(xs[2], (xs[0] + xs[1]) / 2, places=0)


if __name__ == '__main__':
  unittest.main()
