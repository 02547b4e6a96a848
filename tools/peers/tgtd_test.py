"""The suites against tgt's daemon: every case has a verdict, as its profile expects."""

import json
import os
import unittest

from tools.peers import harness
from tools.peers import pages
from tools.peers import tgtd

PROFILE = 'conformance/profiles/tgt.textproto'

# They corrupt the daemon's memory: each is played alone, and what came of the daemon is its own
# business. See docs/targets/tgt.md.
DEADLY = [
    'bad_pdu/ahs_beyond_total#zero',
    'write/more_than_asked_for',
    'write/offset_beyond_r2t',
]


class TgtdTest(unittest.TestCase):

  def play(self, *selection):
    """The result of a run against a daemon of its own, and what the run printed."""
    out = os.path.join(harness.scratch(), 'results')
    with tgtd.serving() as uri:
      output = harness.run_pushpull('run', '--target', uri, '--allow-writes', '--profile',
                                    harness.data_file(PROFILE), '--out', out,
                                    '--step-timeout-s', '3', *selection, ok=range(256))
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      return json.load(file), output

  def test_suites_end_as_the_profile_expects(self):
    run, output = self.play(
        *[word for case in DEADLY for word in ('--exclude', case)])
    self.assertEqual(run.get('exit_code', 0), 0, output)
    self.assertGreater(len(run['result']), 200)
    for case in run['result']:
      self.assertIn('verdict', case, case['id'])
      self.assertNotEqual(case['verdict'], 'ERROR', case)

    pages.check(self, 'docs/targets/tgt.md', run['result'])

  def test_deadly_cases_fail_alone(self):
    for case in DEADLY:
      with self.subTest(case):
        run, output = self.play('--only', case)
        self.assertEqual([result['id'] for result in run['result']][:1], [case], output)
        self.assertIn(run['result'][0]['verdict'], ('FAIL', 'TIMEOUT'), output)
        self.assertEqual(run['result'][0].get('overlay'), 'XFAIL', output)

  def test_chap_lets_us_in(self):
    secret = os.path.join(harness.scratch(), 'secret')
    with open(secret, 'w', encoding='utf-8') as file:
      file.write('alice-secret-16b\n')
    os.chmod(secret, 0o600)
    with tgtd.serving(chap=('alice', 'alice-secret-16b')) as uri:
      output = harness.run_pushpull('run', '--target', uri, '--chap-user', 'alice',
                                    '--chap-secret-file', secret, '--only', 'sanity/alive',
                                    '--only', 'chap/one_way#md5', '--only',
                                    'chap/wrong_response#one_bit')
      self.assertIn('3 cases', output)
      self.assertIn('3 PASS', output)


if __name__ == '__main__':
  unittest.main()
