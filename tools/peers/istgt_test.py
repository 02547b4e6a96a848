"""The suites against istgt: every case has a verdict, as its profile expects."""

import concurrent.futures
import json
import os
import unittest

from tools.peers import harness
from tools.peers import istgt
from tools.peers import pages

PROFILE = 'conformance/profiles/istgt.textproto'
PAGE = 'docs/targets/istgt.md'

# It ends each connection a second late. So its time is waited, not computed: as many daemons, each
# with its part of the cases.
DAEMONS = 9


class IstgtTest(unittest.TestCase):

  def play(self, *selection):
    """The result of a run against a daemon of its own, and what the run printed."""
    folder = harness.scratch()
    out = os.path.join(folder, 'results')
    with open(harness.data_file(PROFILE), encoding='utf-8') as file:
      text = file.read()
    with istgt.serving() as (uri, start):
      profile = os.path.join(folder, 'profile.textproto')
      with open(profile, 'w', encoding='utf-8') as file:
        file.write(f'{text}\nrestart_command: "{start}"\n')
      output = harness.run_pushpull('run', '--target', uri, '--allow-writes', '--profile', profile,
                                    '--out', out, '--step-timeout-s', '3', *selection,
                                    ok=range(256), limit_s=280)
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      return json.load(file), output

  def test_suites_end_as_the_profile_expects(self):
    def part(number):
      return self.play('--exclude', 'chap/*', '--shard', f'{number}/{DAEMONS}')

    results = []
    with concurrent.futures.ThreadPoolExecutor(DAEMONS) as pool:
      for run, output in pool.map(part, range(1, DAEMONS + 1)):
        self.assertEqual(run.get('exit_code', 0), 0, output)
        results += run['result']
    self.assertGreater(len(results), 200)
    for case in results:
      self.assertIn('verdict', case, case['id'])
      self.assertNotEqual(case['verdict'], 'ERROR', case)
    pages.check(self, PAGE, results)

  def test_the_case_that_ends_the_daemon_is_told(self):
    run, output = self.play('--only', 'login/first_pdu_not_login*', '--only', 'sanity/*')
    told = {result['id']: result for result in run['result']}
    death = told['login/first_pdu_not_login#logout']
    self.assertIn('was restarted', death['failure']['message'], output)
    self.assertEqual(told['sanity/alive']['verdict'], 'PASS', output)


if __name__ == '__main__':
  unittest.main()
