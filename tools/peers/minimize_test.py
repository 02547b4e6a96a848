"""`pushpull minimize`: what is left of cases that fail, and that it is still a case."""

import os
import unittest

from tools.peers import harness


def minimize(*arguments, ok=0):
  return harness.run_pushpull('minimize', *arguments, ok=(ok,))


class MinimizeTest(unittest.TestCase):

  def test_the_least_case_plays_and_fails_only_with_the_defect(self):
    folder = harness.scratch()
    for target in ('embedded-sim:', 'embedded:', 'embedded-iser:'):
      with self.subTest(target):
        out = os.path.join(folder, target.strip(':'))
        told = minimize('nop/ping_echoed#512', '--bug', 'nop_in_data_dropped', '--target', target,
                        '--out', out)
        self.assertRegex(told, r'steps? became [123], after \d+ plays')
        self.assertIn(f'replay: pushpull run --target {target} --bug nop_in_data_dropped --seed 1 '
                      f'--suites {out} --only nop/ping_echoed_512\n', told)
        replay = ('--suites', out, '--target', target)
        harness.run_pushpull('run', *replay, ok=(0,))
        harness.run_pushpull('run', *replay, '--bug', 'nop_in_data_dropped', ok=(1,))

  def test_what_is_left_is_the_same_each_time_and_no_less(self):
    folder = harness.scratch()
    texts = []
    for name in ('first', 'again'):
      out = os.path.join(folder, name)
      minimize('write/r2t_sequence', '--bug', 'r2t_sn_repeats', '--target', 'embedded-sim:',
               '--out', out)
      with open(os.path.join(out, 'write', 'r2t_sequence.textproto'), encoding='utf-8') as file:
        texts.append(file.read())
    self.assertEqual(texts[0], texts[1])
    self.assertIn('r2t_sn_contiguous', texts[0])
    least = os.path.join(folder, 'first', 'write', 'r2t_sequence.textproto')
    again = minimize(least, '--bug', 'r2t_sn_repeats', '--target', 'embedded-sim:')
    self.assertIn('3 steps became 3', again)

  def test_a_row_of_a_sweep_becomes_a_case(self):
    told = minimize('login/isid_kept#oui', '--bug', 'login_isid_not_echoed', '--target',
                    'embedded-sim:')
    self.assertIn('id: "login/isid_kept_oui"', told)

  def test_what_cannot_be_minimized_is_told(self):
    for code, says, arguments in (
        (4, "doesn't fail against embedded-sim:", ('read/underflow', )),
        (4, 'nearest: read/underflow', ('read/undrflow', )),
        (2, "name one, such as 'login/isid_kept#oui'", ('login/isid_kept', )),
        (3, "can't be reached|refused", ('read/underflow', '--target', 'tcp://127.0.0.1:1')),
    ):
      with self.subTest(arguments):
        if '--target' not in arguments:
          arguments += ('--target', 'embedded-sim:')
        self.assertRegex(minimize(*arguments, ok=code), says)

  def test_a_place_that_cannot_be_written_is_told_before_the_search(self):
    blocker = os.path.join(harness.scratch(), 'file')
    with open(blocker, 'w', encoding='utf-8'):
      pass
    told = minimize('read/underflow', '--bug', 'residual_count_wrong', '--target', 'embedded-sim:',
                    '--out', blocker, ok=2)
    self.assertIn(f'the folder of {blocker}/read/underflow.textproto can', told)
    self.assertNotIn('plays', told)

  def test_a_file_that_cannot_be_written_loses_nothing(self):
    out = harness.scratch()
    os.makedirs(os.path.join(out, 'read', 'underflow.textproto'))
    told = minimize('read/underflow', '--bug', 'residual_count_wrong', '--target', 'embedded-sim:',
                    '--out', out, ok=2)
    self.assertIn('id: "read/underflow"', told)

  def test_plays_run_out(self):
    told = minimize('write/r2t_sequence', '--bug', 'r2t_sn_repeats', '--target', 'embedded-sim:',
                    '--max-plays', '2')
    self.assertIn('--max-plays is used up', told)


if __name__ == '__main__':
  unittest.main()
