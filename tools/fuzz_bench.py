"""Measures how long the fuzz targets take to find planted defects; tools/fuzz_bench builds them."""

import argparse
import concurrent.futures
import csv
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import fuzz_coverage

# By the fuzz target that is measured with it. Memory is broken in sanitizer builds alone.
MEMORY = {
    'session_fuzz': (
        'ahs_length_trusted', 'login_text_overruns', 'key_name_one_over', 'chap_response_overruns',
        'sense_length_trusted', 'mode_page_length_trusted', 'pad_from_memory',
        'lun_index_unchecked', 'data_out_beyond_buffer', 'transfer_tag_is_index', 'task_tag_kept',
        'aborted_task_used', 'aborted_early_kept', 'read_sent_after_logout', 'slot_freed_twice',
        'ping_data_freed', 'text_sequence_used', 'rx_bhs_not_copied', 'rx_ahs_not_copied'),
    'iser_session_fuzz': ('short_send_read', 'rx_message_overread'),
}
OTHERS = {
    'session_fuzz': (
        'stat_sn_skips', 'stat_sn_not_advanced', 'stat_sn_advanced_by_nop_in',
        'stat_sn_advanced_by_r2t', 'exp_cmd_sn_counts_immediate', 'exp_cmd_sn_skips_hole',
        'max_cmd_sn_below_exp', 'window_never_reopened', 'data_sn_starts_at_one',
        'data_sn_restarts', 'data_in_beyond_max_burst', 'data_in_final_missing',
        'data_in_beyond_max_recv', 'data_in_offset_stuck', 'data_in_carries_check_condition',
        'data_in_ttt_garbage', 'data_in_unaligned', 'exp_data_sn_wrong',
        'residual_underflow_missing', 'residual_overflow_missing', 'residual_count_wrong',
        'sense_missing', 'r2t_sn_repeats', 'r2t_beyond_max_burst', 'r2t_beyond_edtl',
        'r2t_too_many_outstanding', 'r2t_asks_again_for_immediate_data', 'r2t_reserved_ttt',
        'r2t_lun_missing', 'nop_in_data_dropped', 'nop_in_lun_or_itt_wrong',
        'nop_out_without_itt_answered', 'nop_in_beyond_max_recv', 'text_final_missing',
        'half_pdu_keeps_connection', 'logout_keeps_connection', 'reject_header_missing',
        'reject_counts_cmd_sn', 'lun_reset_unanswered', 'abort_task_still_responds',
        'task_reassign_claims_complete', 'cold_reset_keeps_connections', 'rx_limit_unchecked'),
    'iser_session_fuzz': ('iser_keys_not_understood', 'iser_digests_accepted'),
}
SPEED_SECONDS = 4
# The first is what the others stand beside.
SPEED = ('empty_fuzz', 'iser_header_fuzz', 'pdu_fuzz', 'text_fuzz', 'login_fuzz', 'rx_fuzz',
         'session_fuzz', 'iser_session_fuzz')
STATUS = re.compile(r'^#(\d+)\s+\S+\s+cov: (\d+)')
EXECUTIONS = re.compile(r'^stat::number_of_executed_units:\s+(\d+)|^after (\d+) mutations')
# libFuzzer's line, and the replay engine's, which tells the size.
RUNNING = re.compile(r'^Running: (.*?)(?: \(\d+ bytes\))?$')
FINDING = re.compile(r'^FINDING (.*)|SUMMARY: (.*)|(runtime error: .*)')


@dataclasses.dataclass
class Found:
  fuzzer: str
  bug: str
  memory: bool
  run: int
  seeds: int
  seeds_removed: int
  executions: int
  seconds: float  # of the processor's time: others may use the machine, too
  finding: str  # empty: not found in time


def environment(bug, **more):
  # A defect that leaks is found when the process ends, which isn't what is measured.
  return dict(os.environ, PUSHPULL_FUZZ_BUG=bug, ASAN_OPTIONS='detect_leaks=0', **more)


def remove_showing_seeds(binary, bug, corpus):
  """Takes away the seeds that show the defect as they are. How many."""
  removed = 0
  left = sorted(os.path.join(corpus, name) for name in os.listdir(corpus))
  while left:
    run = subprocess.run([binary, *left], env=environment(bug, PUSHPULL_FUZZ_TELL='1'), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                         cwd=corpus, errors='replace')
    current, showing = '', []
    for line in run.stdout.splitlines():
      if running := RUNNING.match(line):
        current = running[1]
      elif line.startswith('FINDING ') and current not in showing:
        showing.append(current)
    if run.returncode != 0 and current not in showing:
      showing.append(current)
    for path in showing:
      os.remove(path)
    removed += len(showing)
    if run.returncode == 0:
      return removed
    left = left[left.index(current) + 1:]
  return removed


def arguments_of(options, run, folder):
  """Of the fuzzer; what the replay engine doesn't know it skips."""
  if options.unguided:
    return ['-runs=1000000000', f'-seed={run}']
  return [f'-seed={run}', f'-artifact_prefix={folder}/', '-max_len=32768', '-print_final_stats=1',
          '-reload=0', '-timeout=25']


def measure(options, fuzzer, bug, memory, run, coverage):
  """One run, from the corpus without what shows the defect."""
  binary = os.path.join(options.bin, fuzzer)
  corpus = os.path.join(options.corpus, fuzzer.removesuffix('_fuzz'))
  with tempfile.TemporaryDirectory() as folder:
    seeds = os.path.join(folder, 'seeds')
    shutil.copytree(corpus, seeds, symlinks=False)
    count = len(os.listdir(seeds))
    removed = remove_showing_seeds(binary, bug, seeds)
    found = Found(fuzzer, bug, memory, run, count, removed, 0, 0.0, '')
    start = time.monotonic()
    process = subprocess.Popen(
        ['prlimit', f'--cpu={options.seconds}:{options.seconds + 2}', binary,
         *arguments_of(options, run, folder), seeds],
        cwd=folder,
        env=environment(bug, TEST_UNDECLARED_OUTPUTS_DIR=folder), text=True, errors='replace',
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in process.stdout:
      if status := STATUS.match(line):
        found.executions = int(status[1])
        coverage.append((f'{time.monotonic() - start:.1f}', bug, fuzzer, run, 'edges', status[2]))
      elif (text := FINDING.search(line)) and not found.finding:
        found.finding = next(group for group in text.groups() if group)
      elif count_line := EXECUTIONS.match(line):
        found.executions = int(count_line[1] or count_line[2])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found.seconds = round(usage.ru_utime + usage.ru_stime, 1)
    if process.returncode not in (0, -signal.SIGXCPU) and not found.finding:
      found.finding = f'exit status {process.returncode}'
    return found


def table(results):
  lines = ['| defect | fuzz target | seeds taken away | executions | seconds | found as |',
           '|---|---|---|---|---|---|']
  for result in sorted(results, key=lambda result: (not result.memory, result.bug)):
    found = re.sub(r' \(/.*|\|', '', result.finding)[:70] or 'not in this time'
    lines.append(f'| `{result.bug}`{" (memory)" if result.memory else ""} | {result.fuzzer} | '
                 f'{result.seeds_removed} of {result.seeds} | {result.executions} | '
                 f'{result.seconds:.1f} | {found} |')
  return '\n'.join(lines) + '\n'


def executions(binary, corpus, runs):
  """(inputs that were tried, seconds of the processor's time) by the replay engine."""
  process = subprocess.Popen(
      [binary, f'-runs={runs}', '-seed=1', *([corpus] if os.path.isdir(corpus) else [])],
      text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors='replace')
  output = process.stdout.read()
  _, status, usage = os.wait4(process.pid, 0)
  process.returncode = os.waitstatus_to_exitcode(status)
  seeds = re.search(r'^(\d+) inputs replayed', output, re.MULTILINE)
  if process.returncode != 0 or not seeds:
    sys.exit(f'fuzz_bench: {binary} ended with status {process.returncode}:\n{output[-2000:]}')
  return int(seeds[1]) + runs, usage.ru_utime + usage.ru_stime


def speed(binaries, corpora):
  """Executions a second of the processor's time of fuzz targets in the same build, in one run."""
  empty = 0.0
  print('| fuzz target | executions a second | beside the empty one |\n|---|---|---|')
  for name in SPEED:
    binary = os.path.join(binaries, name)
    corpus = os.path.join(corpora, name.removesuffix('_fuzz'))
    count, seconds = executions(binary, corpus, 1000)
    count, seconds = executions(binary, corpus, int(SPEED_SECONDS * count / seconds))
    empty = empty or count / seconds
    print(f'| `{name}` | {count / seconds:,.0f} | {count / seconds / empty:.3f} |', flush=True)


def jobs_of(only):
  known = [(fuzzer, bug, memory) for groups, memory in ((MEMORY, True), (OTHERS, False))
           for fuzzer, bugs in groups.items() for bug in bugs]
  unknown = set(only) - {bug for _, bug, _ in known}
  if unknown:
    sys.exit(f'fuzz_bench: {", ".join(sorted(unknown))}: not among those that are measured; '
             'tools/fuzz_bench.py lists them')
  return [job for job in known if not only or job[1] in only]


def main():
  parser = argparse.ArgumentParser(prog='fuzz_bench', description=__doc__)
  parser.add_argument('--bin', required=True, help='folder with the fuzz targets')
  parser.add_argument('--corpus', required=True, help='folder with their corpora')
  parser.add_argument('--bug', action='append', default=[], help='this defect alone (repeated)')
  parser.add_argument('--seconds', type=int, default=60,
                      help="of the processor's time, at most, for each run (60)")
  parser.add_argument('--runs', type=int, default=1, help='for each defect, with other seeds (1)')
  parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='runs at a time')
  parser.add_argument('--out', default='fuzz-bench', help='folder for results (fuzz-bench)')
  parser.add_argument('--unguided', action='store_true',
                      help="by mutation of the seeds alone, as CI's short tests do")
  parser.add_argument('--speed', action='store_true', help='executions a second instead')
  parser.add_argument('--coverage', action='store_true', help='lines that corpora reach instead')
  options = parser.parse_args()
  if options.speed:
    return speed(options.bin, options.corpus)
  if options.coverage:
    return fuzz_coverage.run(os.path.dirname(os.path.abspath(options.corpus)), options.bin,
                             options.out)
  os.makedirs(options.out, exist_ok=True)
  coverage, results = [], []

  def one(fuzzer, bug, memory, run):
    found = measure(options, fuzzer, bug, memory, run, coverage)
    print(f'{bug}: {found.finding or "not found"} after {found.seconds:.1f} s', flush=True)
    return found

  with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    futures = [pool.submit(one, *job, run) for job in jobs_of(options.bug)
               for run in range(1, options.runs + 1)]
    results = [future.result() for future in futures]
  with open(os.path.join(options.out, 'found.csv'), 'w', newline='', encoding='utf-8') as file:
    writer = csv.writer(file)
    writer.writerow(field.name for field in dataclasses.fields(Found))
    writer.writerows(dataclasses.astuple(result) for result in results)
  with open(os.path.join(options.out, 'coverage.csv'), 'w', newline='', encoding='utf-8') as file:
    writer = csv.writer(file)
    writer.writerow(('time', 'subject', 'fuzzer', 'run', 'cov_type', 'cov'))
    writer.writerows(coverage)
  with open(os.path.join(options.out, 'table.md'), 'w', encoding='utf-8') as file:
    file.write(table(results))
  found = sum(1 for result in results if result.finding)
  print(f'{found} of {len(results)} found; {options.out}/found.csv')
  return 0


if __name__ == '__main__':
  sys.exit(main())
