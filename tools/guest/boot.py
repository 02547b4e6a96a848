"""One boot of the guest, in which a list of scenes is played."""

import os
import subprocess
import sys
import unittest

from tools.peers import harness

SKIPPED = 77
# A boot and its scenes; a scene has its own limit in stage.py.
LIMIT_S = 1800


class Boot:
  """What came of each scene: (what is wrong, "" for nothing; its log)."""

  def __init__(self, scenes, *options):
    self.folder = harness.scratch()
    require = ['--require-guest'] if os.environ.get('PUSHPULL_REQUIRE_GUEST') else []
    stage = harness.data_file('tools/guest/stage.py')
    done = subprocess.run(
        [harness.pushpull_binary(), 'softroce', '--where', 'guest', *require, '--share',
         self.folder, '--keep-logs', self.folder, '--timeout-s', str(LIMIT_S), *options, '--',
         sys.executable, stage, self.folder, *scenes],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors='replace', timeout=LIMIT_S + 200, check=False)
    if done.returncode == SKIPPED:
      print(f'SKIPPED: {done.stderr}', flush=True)  # tools/test_summary.py reads it
      raise unittest.SkipTest(done.stderr)
    self.words = f'exit status {done.returncode}\n{done.stdout}{done.stderr}'
    print(done.stdout, flush=True)
    self._told = {}
    for line in done.stdout.splitlines():
      if line.startswith('scene '):
        _, name, verdict, _, *why = line.split(maxsplit=4)
        self._told[name] = '' if verdict == 'PASS' else ' '.join(why) or verdict

  def wrong(self, scene):
    """"" for a scene that passed, or else all that is known."""
    told = self._told.get(scene, 'it has no verdict: the guest ended under it, or before')
    if not told:
      return ''
    kernel = '' if scene in self._told else self._read('dmesg.txt', 4000)
    return f'{told}\n{self.log(scene)}\n{self.words}\n{kernel}'

  def log(self, scene):
    """The end of what it printed."""
    return self._read(f'{scene}.log', 20000)

  def _read(self, name, most):
    try:
      with open(os.path.join(self.folder, name), encoding='utf-8', errors='replace') as file:
        return file.read()[-most:]
    except FileNotFoundError:
      return f'(no {name})'


def tests_of(scenes, *options, shown=False):
  """A TestCase with a test for each scene, all in one boot. `shown`: with what they printed."""

  class Tests(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
      cls.boot = Boot(scenes, *options)

  for scene in scenes:
    def test(self, scene=scene):
      wrong = self.boot.wrong(scene)
      if shown:
        print(self.boot.log(scene), flush=True)
      if wrong:
        self.fail(wrong)

    setattr(Tests, f'test_{scene}', test)
  return Tests
