"""Bad input to the command line: a clear message that says what to do, and the right exit code."""

import json
import os
import re
import signal
import subprocess
import unittest

from tools.peers import harness


class CliTest(harness.CommandLine):

  def test_usage(self):
    self.complains(2, 'subcommand', )
    self.complains(2, 'no-such', 'run', '--no-such-option')
    self.complains(2, 'run has no option --tarrget; nearest: --target', 'run', '--tarrget', 'x')
    self.complains(2, 'no option --lune; nearest: --lun', 'target', '--lune=ram:1M')
    self.complains(2, 'this is no target', 'run', '--target', 'disk')
    self.complains(2, 'a port', 'run', '--target', 'tcp://127.0.0.1:99999/iqn.x')
    self.complains(2, 'is no schedule', 'run', '--splits', 'sometimes')
    self.complains(2, 'I/N', 'run', '--shard', '3/2')
    self.complains(2, '12 hexadecimal', 'run', '--isid', '12')
    self.complains(2, 'a reserved type', 'run', '--isid', 'c00000000001')
    self.complains(2, 'FROM-TO', 'run', '--scratch-lba', '5')
    self.complains(2, 'the last: 100-200?', 'run', '--scratch-lba', '200-100')
    self.complains(2, 'go together', 'run', '--chap-user', 'me')
    self.complains(2, 'No such file', 'run', '--chap-user', 'me', '--chap-secret-file', '/no/file')
    self.complains(2, '/no/profile', 'run', '--profile', '/no/profile')
    self.complains(2, '/no/suites', 'run', '--suites', '/no/suites')
    self.complains(4, 'no scenario (*.textproto)', 'run', '--suites', harness.scratch())
    self.complains(2, 'no option --no-such', '--no-such')

  def test_stray_words(self):
    self.complains(2, 'not expected: stray', 'run', '--only', 'sanity/alive', 'stray')
    self.complains(2, 'not expected: stray', 'list', '--only', 'sanity/alive', 'stray')
    self.complains(2, 'not expected: stray', 'target', '--lun', 'ram:1M', 'stray')

  def test_values_that_are_empty(self):
    for command, options in (('run', ('--target', '--only', '--exclude', '--profile', '--out',
                                      '--suites', '--shard', '--scratch-lba', '--splits', '--isid',
                                      '--bind', '--before-case', '--initiator-name', '--bug')),
                             ('target', ('--listen', '--lun', '--config', '--name', '--bug')),
                             ('replay', ('--splits', '--via', '--plugin', '--out', '--bug')),
                             ('list', ('--only',))):
      for option in options:
        with self.subTest(f'{command} {option}'):
          self.complains(2, f'{option}: the value is empty', command, option, '')
    self.complains(2, 'the value is empty', 'lint', '')
    self.complains(2, 'the value is empty', 'convert', '', 'x.json')

  def test_what_is_no_file_is_not_waited_for(self):
    folder = harness.scratch()
    pipe = os.path.join(folder, 'pipe')
    os.mkfifo(pipe)
    taken = os.path.join(folder, 'pipe.json')
    os.mkfifo(taken)
    scenario = os.path.join(folder, 'x.textproto')
    with open(scenario, 'w', encoding='utf-8') as file:
      file.write('id: "x"\nstep { login {} }\n')
    for path, kind in ((pipe, 'is a pipe'), (folder, 'is a folder'), ('/dev/null', 'is a device')):
      for arguments in (('lint', path), ('convert', path, 'x.json'),
                        ('run', '--profile', path), ('target', '--config', path)):
        with self.subTest(arguments):
          self.complains(2, f'{path}: {kind}', *arguments)
    self.complains(2, f'{taken}: is a pipe', 'convert', scenario, taken)
    for path, kind in ((pipe, 'is a pipe'), ('/dev/null', 'is a device')):
      self.complains(2, f'{path}: {kind}', 'replay', path)
      self.complains(2, kind, 'replay', scenario, '--plugin', path)

  def test_files_with_nothing_in_them(self):
    folder = harness.scratch()
    for name in ('a.textproto', 'a.json', 'a.binpb', 'a.pcap', 'a.pcapng'):
      path = os.path.join(folder, name)
      with open(path, 'w', encoding='utf-8') as file:
        file.write('')
      with self.subTest(name):
        out = os.path.join(folder, 'out.textproto')
        self.complains(2, path, 'convert', path, out)
        self.assertFalse(os.path.exists(out))
    with open(os.path.join(folder, 'b.json'), 'w', encoding='utf-8') as file:
      file.write('{}')
    self.complains(2, 'b.json: has no step', 'convert', file.name, out)
    self.complains(2, 'a.pcap: is empty', 'lint', os.path.join(folder, 'a.pcap'))

  def test_numbers(self):
    for option, bad in [('--seed', '-1'), ('--seed', '99999999999999999999'), ('--seed', 'nan'),
                        ('--jobs', '-1'), ('--jobs', '0'), ('--jobs', '4294967297'),
                        ('--max-suite-version', '-1'), ('--max-suite-version', '4294967296'),
                        ('--step-timeout-s', 'nan'), ('--step-timeout-s', 'inf'),
                        ('--step-timeout-s', '-1'), ('--step-timeout-s', '1e300'),
                        ('--timeout-scale', 'nan'), ('--timeout-scale', '0')]:
      with self.subTest(f'{option} {bad}'):
        self.complains(2, f'{option}: "{bad}" is not a', 'run', f'{option}={bad}')
    self.complains(2, '--seed: "-1" is not a', 'target', '--lun', 'ram:1M', '--seed=-1')
    self.complains(2, '--threads: "0" is not a', 'target', '--lun', 'ram:1M', '--threads', '0')

  def test_options_that_would_change_nothing(self):
    remote = ('run', '--target', 'tcp://127.0.0.1:1/iqn.x')
    self.complains(2, '--allow-writes none is', *remote, '--scratch-lba', '0-63')
    self.complains(2, '--iser-dialect is about iSER', *remote, '--iser-dialect', 'linux')
    self.complains(2, 'nothing to cut', 'run', '--target', 'embedded-iser:', '--splits', 'bytes')
    self.complains(2, '--fix-profile needs', 'run', '--fix-profile')
    self.complains(2, 'not to tcp://', *remote, '--bug', 'stat_sn_skips')
    self.complains(2, '--bind is for', 'run', '--bind', '127.0.0.1')
    self.complains(2, '--iser-dialect is about iSER', 'target', '--lun', 'ram:1M', '--listen',
                   'tcp://127.0.0.1:0', '--iser-dialect', 'linux')
    self.complains(2, 'give it alone', 'target', '--list-bugs', '--lun', 'ram:1M')
    self.complains(2, 'two lists', 'list', '--suites', '--requirements')

    folder = harness.scratch()
    ping = 'id: "x"\ntrace {}\nstep { send { pdu { nop_out {} } } }\n'
    for name, text in (('trace.textproto', ping), ('bytes', 'x' * 48)):
      with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
        file.write(text)
    trace, raw = os.path.join(folder, 'trace.textproto'), os.path.join(folder, 'bytes')
    self.complains(0, '1 delivery (1 distinct)', 'replay', trace)
    for option in ('--to-initiator', '--header-digest', '--data-digest',
                   '--max-recv-data-segment-length=512'):
      self.complains(2, 'is about fuzz inputs', 'replay', trace, option)
    for option in ('--port=3261', '--max-mib=1'):
      self.complains(2, 'is about captures', 'replay', trace, raw, option)
    self.complains(2, '--seed is about sessions', 'replay', trace, '--seed', '2')
    for via in ('rx', 'session', 'embedded-sim:'):
      self.complains(2, 'no data to lose', 'replay', trace, '--via', via, '--allow-writes')

  def test_unknown_subcommand(self):
    self.complains(2, 'no subcommand "rum"; nearest: run', 'rum')
    self.complains(2, 'target', 'frob')

  def test_forms_of_targets(self):
    forms = ('the forms are tcp://HOST[:PORT][/IQN[/LUN]], iser://HOST[:PORT][/IQN[/LUN]], '
             'embedded:, embedded-sim:, embedded-iser:\n')
    for uri in ('embedded::', 'embedded-sim::', 'embedded-sim:x', 'embedded:/iqn.x', 'x'):
      self.complains(2, forms, 'run', '--target', uri)

  def test_scratch_blocks_are_on_the_disk(self):
    output = self.complains(2, 'blocks, 0-', 'run', '--only', 'sanity/alive', '--scratch-lba',
                            '99999000-99999999')
    last = int(re.search(r'blocks, 0-(\d+)', output).group(1))
    self.complains(2, 'blocks, 0-', 'run', '--only', 'sanity/alive', '--scratch-lba',
                   f'{last - 62}-{last + 1}')
    self.complains(0, 'PASS', 'run', '--only', 'sanity/alive', '--scratch-lba',
                   f'{last - 63}-{last}')

  def test_nothing_matches(self):
    self.complains(4, 'no case matches', 'run', '--only', 'no/such/case')
    self.complains(4, 'no case matches', 'list', '--only', 'no/such/case')
    for command in ('run', 'list'):
      self.complains(0, '--only "sanity/alife" matches no case; nearest: sanity/alive', command,
                     '--only', 'sanity/alive', '--only', 'sanity/alife')
    self.complains(4, "\"login\" matches no case; the suite is 'login/*'", 'run', '--only', 'login')
    self.complains(0, '--exclude "logn/*" matches no case', 'run', '--only', 'sanity/alive',
                   '--exclude', 'logn/*')

  def test_a_run_that_is_interrupted_tells_what_it_knows(self):
    for end, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
      out = os.path.join(harness.scratch(), 'results')
      command = [harness.pushpull_binary(), 'run', '--out', out, '--before-case', 'sleep 0.2']
      with harness.process(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True) as child:
        self.assertIn('PASS', harness.read_line(child))
        child.send_signal(end)
        text, complaint = child.communicate(timeout=harness.LIMIT_S)
      self.assertEqual(child.returncode, code, text + complaint)
      self.assertIn('interrupted', complaint)
      with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
        result = json.load(file)
      self.assertRegex(result['run_error'], r'interrupted when \d+ of \d+ cases')
      self.assertEqual(result['exit_code'], code)
      self.assertGreater(result['totals']['by_verdict']['PASS'], 0)
      self.assertEqual(result['result'][-1]['verdict'], 'NOT_PLAYED')
      self.assertNotIn('SKIP', result['totals']['by_verdict'])
      self.assertRegex(text, r'\d+ of \d+ cases in .* the run was CUT SHORT: \d+ cases? w')
      self.assertNotIn('all as expected', text)
      with open(os.path.join(out, 'junit.xml'), encoding='utf-8') as file:
        self.assertIn('interrupted', file.read())

  def test_results_are_of_one_run(self):
    out = os.path.join(harness.scratch(), 'results')
    harness.run_pushpull('run', '--only', 'login/isid_kept', '--out', out)
    with open(os.path.join(out, 'notes.txt'), 'w', encoding='utf-8') as file:
      file.write('mine')
    harness.run_pushpull('run', '--only', 'sanity/alive', '--out', out)
    self.assertEqual(os.listdir(os.path.join(out, 'cases')), ['sanity'])
    self.assertIn('notes.txt', os.listdir(out))

  def test_results_of_others_are_not_written_over(self):
    out = os.path.join(harness.scratch(), 'results')
    os.mkdir(out)
    path = os.path.join(out, 'result.json')
    with open(path, 'w', encoding='utf-8') as file:
      file.write('{"passed": 3}')
    self.complains(2, f'{path} is there, and no run of this program wrote it', 'run', '--only',
                   'sanity/alive', '--out', out)
    with open(path, encoding='utf-8') as file:
      self.assertEqual(file.read(), '{"passed": 3}')

  def test_a_shard_without_cases_is_no_error(self):
    output = self.complains(0, ' s: nothing was tested\n', 'run', '--only',
                            'sanity/alive', '--shard', '2/2')
    self.assertIn('WARNING: shard 2/2 has nothing to do: 1 case to be played in all, by the '
                  'shards before it', output)

  def test_target_that_is_not_there(self):
    port = harness.free_port()
    out = os.path.join(harness.scratch(), 'results')
    output = self.complains(3, f'127.0.0.1:{port}', 'run', '--target',
                            f'tcp://127.0.0.1:{port}/iqn.x', '--out', out)
    self.assertEqual(output.count('connection refused'), 1, output)
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      result = json.load(file)
    self.assertIn('connection refused', result['run_error'])
    self.assertEqual(result['exit_code'], 3)
    with open(os.path.join(out, 'junit.xml'), encoding='utf-8') as file:
      junit = file.read()
    self.assertIn('errors="1"', junit)
    self.assertIn('connection refused', junit)

  def test_stale_profile_entries_are_told_everywhere(self):
    folder = harness.scratch()
    profile = os.path.join(folder, 'profile.textproto')
    with open(profile, 'w', encoding='utf-8') as file:
      file.write('# what we know\nexpect { id: "sanity/*" reason: "r" }\n'
                 'expect { id: "sanity/alife" reason: "r" }\n'
                 'expect { id: "read/*" reason: "none of these is played" }\n')
    out = os.path.join(folder, 'results')
    output = self.complains(1, f'{profile}:2: entry sanity/* matches a case', 'run', '--only',
                            'sanity/*', '--profile', profile, '--out', out)
    self.assertIn(f'{profile}:3: entry sanity/alife matches no case', output)
    self.assertNotIn('read/*', output)
    with open(os.path.join(out, 'junit.xml'), encoding='utf-8') as file:
      junit = file.read()
    self.assertIn('<testcase name="profile/sanity/*"', junit)
    self.assertIn('failures="2"', junit)
    with open(os.path.join(out, 'report.txt'), encoding='utf-8') as file:
      self.assertIn('2 entries no longer hold', file.read())
    with open(os.path.join(out, 'result.json'), encoding='utf-8') as file:
      self.assertEqual(len(json.load(file)['profile_complaint']), 2)

  def test_bad_scenario(self):
    folder = harness.scratch()
    os.makedirs(os.path.join(folder, 'x'))
    path = os.path.join(folder, 'x', 'bad.textproto')
    with open(path, 'w', encoding='utf-8') as file:
      file.write('id: "x/bad"\nstep { login { untill: 3 } }\n')
    self.complains(2, f'{path}:2:', 'run', '--suites', folder)

  def test_suites_are_linted(self):
    folder = harness.scratch()
    os.makedirs(os.path.join(folder, 'x'))
    path = os.path.join(folder, 'x', 'empty.textproto')
    with open(path, 'w', encoding='utf-8'):
      pass
    self.complains(2, 'no steps', 'run', '--suites', folder)

  def test_results_beside_the_suites_are_no_scenarios(self):
    folder = harness.scratch()
    os.makedirs(os.path.join(folder, 'x'))
    with open(os.path.join(folder, 'x', 'y.textproto'), 'w', encoding='utf-8') as file:
      file.write('id: "x/y" title: "t" why: "w" cite: "RFC7143-4.2.2.1-e" level: MUST since: 1\n'
                 'step { login {} } step { probe {} }\n')
    for _ in range(2):
      output = harness.run_pushpull('run', '--suites', folder, '--out', os.path.join(folder, 'out'))
      self.assertIn('1 case in', output)

  def report(self, code, message, *arguments):
    return self.complains(code, message, 'report', *arguments)

  def test_a_report_says_what_it_lacks(self):
    shards = [os.path.join(harness.scratch(), 'result') for _ in range(2)]
    for number, out in enumerate(shards, 1):
      harness.run_pushpull('run', '--only', 'nop/ping*', '--shard', f'{number}/2', '--out', out)
    self.report(0, 'all as expected', *shards, '--merge')
    self.report(1, 'missing is 1/2', shards[1], '--merge')
    self.report(1, 'missing is 2/2', shards[0], '--merge', '--junit', '-')
    result = os.path.join(shards[0], 'result.json')
    for text, message in (('{}', 'no schema_version'), ('{"schema_version": 2}', 'later Pushpull')):
      with open(result, 'w', encoding='utf-8') as file:
        file.write(text)
      self.report(2, message, shards[0])
      self.complains(2, message, 'diff', shards[1], shards[0])

  def test_a_report_may_be_stricter_than_its_run(self):
    out = os.path.join(harness.scratch(), 'result')
    run = ('run', '--only', 'nop/no_answer_wanted', '--bug', 'nop_out_without_itt_answered')
    self.assertIn('1 WARN; all as expected', harness.run_pushpull(*run, '--out', out))
    self.report(0, 'all as expected', out)
    self.report(1, '1 not as expected', out, '--strict')

  def test_a_run_that_failed_is_no_better_than_the_one_before(self):
    good, failed = (os.path.join(harness.scratch(), 'result') for _ in range(2))
    harness.run_pushpull('run', '--only', 'nop/ping_counted', '--out', good)
    self.complains(3, 'refused', 'run', '--target', 'tcp://127.0.0.1:1/iqn.x', '--out', failed)
    self.complains(1, f'{failed}: the run failed', 'diff', good, failed)
    self.complains(0, '', 'diff', failed, good)
    self.report(1, 'nothing was tested', failed)

  def test_jobs_do_not_disturb_each_other(self):
    with harness.reference_target('--lun', 'ram:16M', '--lun', 'ram:16M') as uri:
      harness.run_pushpull('run', '--target', uri, '--allow-writes', '--jobs', '4')

  def test_a_reservation_is_held_alone(self):
    suites = harness.scratch()
    os.mkdir(os.path.join(suites, 'x'))
    head = 'title: "t" why: "w" cite: "RFC7143-4.2.2.1-e" level: MUST since: 1 tag: "slow"\n'
    steps = {'a_holds': 'step { command { cdb { raw: "\\x16\\0\\0\\0\\0\\0" } } }\n'
                        'step { elapse { milliseconds: 300 } }\n'
                        'step { command { cdb { raw: "\\x17\\0\\0\\0\\0\\0" } } }\n',
             'b_reads': 'step { command { cdb { read { blocks: 1 } } } }\n'}
    for name, text in steps.items():
      with open(os.path.join(suites, 'x', f'{name}.textproto'), 'w', encoding='utf-8') as file:
        file.write(f'id: "x/{name}"\n{head}step {{ login {{}} }}\n{text}')
    with harness.reference_target('--lun', 'ram:16M') as uri:
      harness.run_pushpull('run', '--target', uri, '--suites', suites, '--jobs', '2')

  def test_profile_without_reason(self):
    path = os.path.join(harness.scratch(), 'profile.textproto')
    with open(path, 'w', encoding='utf-8') as file:
      file.write('expect { id: "login/one_request" }\n')
    self.complains(2, 'a reason', 'run', '--profile', path)

  def test_target_bad_lun_and_bug(self):
    self.complains(2, '25Q', 'target', '--lun', 'ram:25Q')
    self.complains(2, '/no/disk', 'target', '--lun', 'file:/no/disk')
    self.complains(2, 'stat_sn_skips', 'target', '--lun', 'ram:1M', '--bug', 'stat_sn_skip')
    self.complains(2, 'stat_sn_skips', 'run', '--bug', 'stat_sn_skip')

  def test_target_tells_all_that_is_wrong(self):
    output = self.complains(2, 'there is no LUN', 'target', '--bug', 'stat_sn_skip', '--listen',
                            'udp://x', '--iser-dialect', 'irish', '--name', 'disk')
    for what in ('stat_sn_skips', 'udp://x', 'irish', 'disk'):
      self.assertIn(what, output)
    output = self.complains(2, '25Q', 'target', '--lun', 'ram:25Q', '--lun', 'file:/no/disk')
    self.assertIn('/no/disk', output)

  def test_list(self):
    self.assertRegex(self.complains(0, 'login', 'list', '--suites'), r'(?m)^sanity +1 case$')
    self.complains(0, '| sanity | 1 |', 'list', '--suites', '--format', 'md')
    suites = json.loads(self.complains(0, 'login', 'list', '--suites', '--format', 'json'))
    self.assertIn({'suite': 'sanity', 'cases': 1}, suites)
    self.complains(2, "say --only 'login/*'", 'list', '--suites', 'login')
    folder = harness.scratch()
    os.makedirs(os.path.join(folder, 'x'))
    with open(os.path.join(folder, 'x', 'y.textproto'), 'w', encoding='utf-8') as file:
      file.write('id: "x/y"\ntitle: "mine"\nstep { login {} }\n')
    self.complains(0, 'mine', 'list', '--suites', folder)
    self.assertNotIn('UNSPECIFIED', self.complains(0, 'x/y', 'list', '--suites', folder))

  def test_requirements_of_some_cases_are_those_alone(self):
    output = self.complains(0, 'cited by the cases of --only', 'list', '--requirements', '--only',
                            'login/isid_kept')
    self.assertIn('login/isid_kept', output)
    self.assertNotIn('no case', output)
    self.complains(0, 'no case', 'list', '--requirements')

  def test_nothing_of_this_transport(self):
    self.complains(4, 'of iSER alone; --target iser://', 'run', '--only', 'iser/*')
    self.complains(4, 'of TCP alone', 'run', '--target', 'embedded-iser:', '--only', 'digests/*')
    self.complains(0, 'WARNING: nothing was tested', 'run', '--only', 'iser/short_read')
    self.assertIn('left out:', self.complains(0, '1 case in', 'run', '--only', 'sanity/*', '--only',
                                              'iser/*'))

  def test_write_protected(self):
    with harness.reference_target('--lun', 'pattern:16M') as uri:
      output = self.complains(0, 'WARNING: --allow-writes was given', 'run', '--target', uri,
                              '--allow-writes', '--only', 'write/*')
    self.assertRegex(output, r'(?m)^ +\d+ SKIP: it needs a writable LUN')

  def test_a_lun_that_keeps_nothing(self):
    with harness.reference_target('--lun', 'null:16M') as uri:
      command = ('run', '--target', uri, '--allow-writes', '--only', 'write/*')
      warning = "WARNING: LUN 0 doesn't keep what is written to it"
      output = self.complains(1, warning, *command)
      self.assertRegex(output, r"(?m)^ +\d+ UNSUPPORTED: LUN 0 doesn't keep")
      self.assertRegex(output, r'(?m)^FAIL +write/kept ')
      self.assertNotRegex(output, r'(?m)^FAIL +(?!write/kept )\S')
      profile = os.path.join(harness.scratch(), 'profile.textproto')
      with open(profile, 'w', encoding='utf-8') as file:
        file.write('target: "null"\nlacks: "writes_kept"\n')
      self.assertNotIn('FAIL', self.complains(0, warning, *command, '--profile', profile))

  def test_admin_names_its_commands(self):
    self.complains(2, 'admin has no "bogus": there are counters, ', 'admin', 'bogus')
    self.complains(2, 'admin has no "bogus": there are counters, ', 'admin', '--socket', 'x',
                   'bogus')
    self.complains(2, 'admin needs a command: there are counters, ', 'admin', '--socket', 'x')
    self.complains(2, '--socket PATH says which', 'admin', 'counters')

  def test_suites_begin_with_version_1(self):
    self.complains(2, '"0" is not a whole number from 1', 'run', '--max-suite-version', '0')

  def test_logins_that_are_refused(self):
    with harness.reference_target('--lun', 'ram:1M') as uri:
      address = uri.rsplit('/', 1)[0]
      output = self.complains(3, '0x0203 (Not found)', 'run', '--target',
                              address + '/iqn.2001-01.x:y')
      self.assertIn('discovery finds it', output)
      secret = os.path.join(harness.scratch(), 'secret')
      with open(secret, 'w', encoding='utf-8') as file:
        file.write('0123456789abcdef\n')
      os.chmod(secret, 0o600)
      self.complains(3, 'leave --chap-user and --chap-secret-file out', 'run', '--target', uri,
                     '--chap-user', 'me', '--chap-secret-file', secret)

  def test_discovery_may_be_open_where_disks_ask_for_chap(self):
    folder = harness.scratch()
    secret = os.path.join(folder, 'secret')
    with open(secret, 'w', encoding='utf-8') as file:
      file.write('0123456789abcdef\n')
    os.chmod(secret, 0o600)
    config = os.path.join(folder, 'target.textproto')
    with open(config, 'w', encoding='utf-8') as file:
      file.write('lun { spec: "ram:64M" } chap { open_discovery: true }\n'
                 f'chap_account {{ user: "me" secret_file: "{secret}" }}\n')
    with harness.reference_target('--config', config) as uri:
      for target in (uri, uri.rsplit('/', 1)[0]):
        output = harness.run_pushpull('run', '--target', target, '--chap-user', 'me',
                                      '--chap-secret-file', secret, '--only', 'chap/*',
                                      '--only', 'discovery/*', '--only', 'negotiation/protocol_*')
        self.assertIn('UNSUPPORTED chap/discovery#base64', output)
        self.assertRegex(output, 'PASS +discovery/send_targets_all')

  def test_port_in_use(self):
    with harness.reference_target('--lun', 'ram:1M') as uri:
      address = uri.rsplit('/', 1)[0]
      self.complains(2, 'another process listens', 'target', '--lun', 'ram:1M', '--listen', address)

  def test_a_defect_is_found(self):
    self.complains(1, 'FAIL        login/isid_kept#oui', 'run', '--bug', 'login_isid_not_echoed',
                   '--only', 'login/isid_kept')


if __name__ == '__main__':
  unittest.main()
