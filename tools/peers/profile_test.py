"""Profiles and commands of a run: hooks, restarts, commands around cases, --fix-profile."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import unittest

from tools.peers import harness

MORTAL = 'iqn.2026-11.org.pushpull:mortal'

POKE = """
id: "x/poke"
title: "It stands a poke."
why: "So that hooks can be seen."
cite: "RFC7143-11.18-a"
level: MUST
since: 1
version: 1
needs { hook: "poke" }
step { login {} }
step { trigger { hook: "poke" argument { name: "how-hard" number: 7 } } }
step { name: "alive" cite: "RFC7143-11.18-a" probe {} }
epilogue: PROBE_ON_NEW_CONNECTION
"""

# The same, where the end of the connection is what is due.
FALL = """
id: "x/fall"
title: "A poke ends the connection."
why: "How a target's death looks."
cite: "RFC7143-11.18-a"
level: MUST
since: 1
version: 1
needs { hook: "poke" }
step { login {} }
step { trigger { hook: "poke" } }
step { name: "gone" cite: "RFC7143-11.18-a" expect_closed {} }
"""

PLAIN = """
id: "x/quiet"
title: "It answers a ping."
why: "So that what comes after can be seen."
cite: "RFC7143-11.18-a"
level: MUST
since: 1
version: 1
step { login {} }
step { name: "alive" cite: "RFC7143-11.18-a" probe {} }
"""


def write(path, text):
  os.makedirs(os.path.dirname(path), exist_ok=True)
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)
  return path


def read(path):
  with open(path, encoding='utf-8') as file:
    return file.read()


class ProfileTest(unittest.TestCase):

  def setUp(self):
    self.folder = harness.scratch()
    self.profile = os.path.join(self.folder, 'profile.textproto')
    self.out = os.path.join(self.folder, 'results')
    self.suites = os.path.join(self.folder, 'suites')
    write(os.path.join(self.suites, 'x/poke.textproto'), POKE)
    write(os.path.join(self.suites, 'x/quiet.textproto'), PLAIN)

  def play(self, code, *arguments):
    """What the run printed, and its result.json."""
    done = subprocess.run([harness.pushpull_binary(), 'run', '--out', self.out, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=harness.LIMIT_S, check=False)
    self.assertEqual(done.returncode, code, done.stdout)
    path = os.path.join(self.out, 'result.json')
    return done.stdout, json.loads(read(path)) if os.path.exists(path) else {}

  def verdicts(self, result):
    return {case['id']: case['verdict'] for case in result['result']}

  # ---- --fix-profile ---------------------------------------------------------------------------

  def test_fix_profile_makes_grows_and_shrinks(self):
    run = ('--target', 'embedded-sim:', '--only', 'read/*', '--profile', self.profile)
    bug = ('--bug', 'residual_count_wrong')
    self.play(2, *run)  # there is none
    output, _ = self.play(1, *run, *bug, '--fix-profile')
    self.assertIn('0 entries dropped, ', output)
    self.assertIn('id: "read/underflow"', read(self.profile))
    self.assertIn('message_prefix: "a command didn\'t end', read(self.profile))
    self.assertFalse(os.path.exists(f'{self.profile}.part'))
    self.play(0, *run, *bug)
    # People put in their words, which stay.
    text = read(self.profile).replace('target: ', '# Ours.\ntarget: ', 1)
    write(self.profile, text + '\n# Of another area.\nexpect { id: "nop/*" reason: "kept" }\n')
    output, _ = self.play(1, *run, '--fix-profile')
    self.assertIn('XPASS', output)
    self.assertIn(' 0 added', output)
    self.play(0, *run)
    text = read(self.profile)
    self.assertNotIn('read/', text)
    self.assertIn('# Ours.', text)
    self.assertIn('# Of another area.\nexpect { id: "nop/*" reason: "kept" }', text)
    self.play(2, '--fix-profile')

  def test_what_is_past_its_date_is_told_and_stays(self):
    text = ('expect { id: "read/underflow" reason: "old" expires: "2020-01-01" }\n'
            'expect_violation { rule: "data_sn_contiguous" reason: "old" expires: "2020-01-01" }\n')
    output, _ = self.play(1, '--only', 'read/underflow', '--bug', 'residual_count_wrong',
                          '--profile', write(self.profile, text), '--fix-profile')
    self.assertIn('0 entries dropped, 0 added\n', output)
    self.assertIn(f'{self.profile}: past their date, and as they were: read/underflow, '
                  'data_sn_contiguous.', output)
    self.assertEqual(read(self.profile), text)

  def test_that_a_profile_cannot_be_fixed_is_told_before_the_run(self):
    path = os.path.join(self.folder, 'no/such/folder/profile.textproto')
    output, _ = self.play(2, '--only', 'sanity/alive', '--profile', path, '--fix-profile')
    self.assertIn(f'--fix-profile: {path}.part can\'t be written, which becomes {path}: No such '
                  'file or directory; name a --profile in a folder', output)
    self.assertNotIn('PASS', output)
    self.assertFalse(os.path.exists(self.out))

  def test_bad_profiles_are_refused_with_their_line(self):
    for text, message in [
        ('expect { id: "read/underflow" reason: "r" expires: "2027-13-45" }', '2027-13-45'),
        ('expect { id: "a" reason: "r" }\n' * 2, 'twice'),
        ('lacks: "everything"', 'no scenario needs'),
        ('reading { ambiguity: "A99" choice: "x" }', 'A99'),
    ]:
      output, _ = self.play(2, '--profile', write(self.profile, text))
      self.assertIn(f'{self.profile}:', output)
      self.assertIn(message, output)

  # ---- hooks -----------------------------------------------------------------------------------

  def test_hooks(self):
    noted = os.path.join(self.folder, 'noted')
    command = (f'echo "$PUSHPULL_HOOK $PUSHPULL_ARG_how_hard $PUSHPULL_CASE $PUSHPULL_TARGET" '
               f'>> {noted}; echo said')
    for target in ('embedded:', 'embedded-sim:'):
      run = ('--target', target, '--suites', self.suites, '--only', 'x/poke')
      _, result = self.play(0, *run)
      self.assertEqual(self.verdicts(result), {'x/poke': 'SKIP'})
      write(self.profile, f'hook {{ hook: "poke" command: {json.dumps(command)} }}')
      _, result = self.play(0, *run, '--profile', self.profile)
      self.assertEqual(self.verdicts(result), {'x/poke': 'PASS'})
      self.assertEqual(read(noted).splitlines()[-1], f'poke 7 x/poke {target}')
      self.assertEqual(read(os.path.join(self.out, 'cases/x/poke/hook_poke.txt')), 'said\n')
      write(self.profile, 'hook { hook: "poke" command: "echo no; exit 4" }')
      output, _ = self.play(1, *run, '--profile', self.profile)
      self.assertIn('hook poke failed: exit code 4; it wrote: no', output)
      write(self.profile, 'hook { hook: "poke" command: "sleep 1000" } command_timeout_ms: 200')
      output, _ = self.play(1, *run, '--profile', self.profile)
      self.assertIn('hook poke failed: it took longer than 200ms', output)

  # ---- before and after each case --------------------------------------------------------------

  def test_commands_around_cases(self):
    noted = os.path.join(self.folder, 'noted')
    run = ('--suites', self.suites, '--only', 'x/quiet')
    self.play(0, *run, '--before-case', f'echo before $PUSHPULL_CASE >> {noted}', '--after-case',
              f'echo after >> {noted}')
    self.assertEqual(read(noted), 'before x/quiet\nafter\n')
    output, result = self.play(1, *run, '--before-case', 'echo no power; exit 3', '--after-case',
                               f'echo never >> {noted}')
    self.assertIn('--before-case: exit code 3; it wrote: no power', output)
    self.assertIn("replay:      pushpull run --suites", output)
    self.assertIn("--before-case 'echo no power; exit 3'", output)
    self.assertEqual(self.verdicts(result), {'x/quiet': 'ERROR'})
    self.assertNotIn('never', read(noted))
    output, _ = self.play(1, *run, '--after-case', 'false')
    self.assertIn('--after-case: exit code 1', output)

  # ---- restart ---------------------------------------------------------------------------------

  @contextlib.contextmanager
  def mortal_target(self, restart='{start}'):
    """A target that the hook kills; what a run against it is called with."""
    port = harness.free_port()
    pid = os.path.join(self.folder, 'pid')
    log = os.path.join(self.folder, 'log')
    binary = shlex.quote(os.path.abspath(harness.pushpull_binary()))
    start = (f'{binary} target --name {MORTAL} --listen tcp://127.0.0.1:{port} --lun ram:4M '
             f'> {log} 2>&1 & echo $! > {pid}')
    write(self.profile, f'restart_command: {json.dumps(restart.format(start=start))}\n'
                        f'hook {{ hook: "poke" command: "kill -9 $(cat {pid})" }}\n'
                        'command_timeout_ms: 20000\n')
    subprocess.run(['/bin/sh', '-c', start], check=True)
    try:
      harness.until(lambda: harness.listens(port), 'the target listens')
      yield ('--target', f'tcp://127.0.0.1:{port}/{MORTAL}', '--suites', self.suites,
             '--profile', self.profile, '--step-timeout-s', '2')
    finally:
      with contextlib.suppress(ProcessLookupError):
        os.kill(int(read(pid)), signal.SIGKILL)

  def test_a_dead_target_is_restarted(self):
    with self.mortal_target('echo up again; {start}') as run:
      output, result = self.play(1, *run)
      self.assertIn('after it the target no longer answers, and was restarted', output)
      verdicts = self.verdicts(result)
      self.assertIn(verdicts['x/poke'], ('FAIL', 'TIMEOUT'))
      self.assertEqual(verdicts['x/quiet'], 'PASS', output)
      self.assertIn('up again', read(os.path.join(self.out, 'cases/x/poke/restart.txt')))

  def test_who_killed_it_is_told_of_several_side_by_side(self):
    quiet = read(os.path.join(self.suites, 'x/quiet.textproto'))
    for number in range(6):
      write(os.path.join(self.suites, f'x/quiet{number}.textproto'),
            quiet.replace('x/quiet', f'x/quiet{number}'))
    with self.mortal_target() as run:
      output, result = self.play(1, *run, '--jobs', '4')
    verdicts = self.verdicts(result)
    self.assertIn(verdicts.pop('x/poke'), ('FAIL', 'TIMEOUT'), output)
    self.assertEqual(set(verdicts.values()), {'PASS'}, output)
    self.assertEqual(len(verdicts), 7)

  def side_by_side(self, count, then):
    """A --before-case at which `count` cases meet, and each of them then does `then`."""
    for number in range(count + 1):
      write(os.path.join(self.suites, f'x/quiet{number}.textproto'),
            PLAIN.replace('x/quiet', f'x/quiet{number}'))
    begun = os.path.join(self.folder, 'begun')
    return ('--only', 'x/quiet?', '--jobs', str(count), '--before-case',
            f'echo $PUSHPULL_CASE >> {begun}; [ $(wc -l < {begun}) -gt {count} ] && exit 0; '
            f'until [ $(wc -l < {begun}) -ge {count} ]; do sleep 0.05; done; {then}')

  def test_of_several_side_by_side_none_is_blamed_for_sure(self):
    pid = os.path.join(self.folder, 'pid')
    with self.mortal_target() as run:
      write(self.profile, '')
      output, result = self.play(
          1, *run, *self.side_by_side(3, f'kill -9 $(cat {pid}) 2>/dev/null; true'))
    verdicts = self.verdicts(result)
    candidates = sorted(case for case in verdicts if verdicts[case] in ('FAIL', 'TIMEOUT'))
    self.assertEqual(len(candidates), 3, output)
    names = ', '.join(candidates)
    told = (f'the target no longer answers: one of {names}, which were played side by side, was '
            'the end of it')
    self.assertEqual(len(re.findall(f'what: .*{told}\n', output)), 3, output)
    self.assertIn(f'not played: the target no longer answers since one of {names}', output)
    self.assertIn(f'WARNING: the target no longer answered after one of {names}: what', output)
    self.assertIn('--jobs 1 shows which it was', output)
    self.assertNotIn('--exclude', output)

  def test_a_death_that_no_case_brings_about_alone_is_told(self):
    pid, once = (os.path.join(self.folder, name) for name in ('pid', 'once'))
    with self.mortal_target() as run:
      output, result = self.play(
          0, *run, *self.side_by_side(3, f'mkdir {once} 2>/dev/null && kill -9 $(cat {pid}); true'))
    self.assertEqual(set(self.verdicts(result).values()), {'PASS'}, output)
    self.assertRegex(output, 'WARNING: the target no longer answered after (one of )?x/quiet.*'
                             'and none of them brings that about when it is played alone')

  def test_a_death_that_looked_right_is_told(self):
    write(os.path.join(self.suites, 'x/fall.textproto'), FALL)
    with self.mortal_target() as run:
      output, result = self.play(1, *run, '--exclude', 'x/poke')
      self.assertEqual(self.verdicts(result), {'x/fall': 'FAIL', 'x/quiet': 'PASS'}, output)
      self.assertIn('after it the target no longer answers, and was restarted', output)

  def test_a_restart_that_fails_is_told(self):
    with self.mortal_target('echo no such service; exit 6') as run:
      output, result = self.play(1, *run)
      self.assertIn('restart_command: exit code 6; it wrote: no such service', output)
      self.assertEqual(self.verdicts(result)['x/quiet'], 'ERROR')
      self.assertIn('not played: 1 of 2 cases', output)
      self.assertIn('WARNING: the target no longer answered after x/poke', output)


if __name__ == '__main__':
  unittest.main()
