"""Pages about targets say how many cases there were: rounded, so that a new one breaks no page."""

import re

from tools.peers import harness


def check(test, page, results):
  """That `page` tells of `results`, those of a run's result.json."""
  with open(harness.data_file(page), encoding='utf-8') as file:
    text = ' '.join(file.read().split())
  # Those of CHAP aren't played without credentials.
  results = [result for result in results if not result['id'].startswith('chap/')]
  came = {'cases': len(results),
          'pass': sum(result['verdict'] == 'PASS' for result in results),
          'fail as expected': sum(result.get('overlay') == 'XFAIL' for result in results)}
  for what, number in came.items():
    said = re.search(rf'more than (\d+) {what}\b', text)
    test.assertIsNotNone(said, f'{page}: "more than N {what}" is missing')
    test.assertTrue(0 <= number - int(said.group(1)) < 50,
                    f'{page} says "{said.group(0)}", there are {number}')
