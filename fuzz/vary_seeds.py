"""Writes variants of the seeds of whole sessions: each played against targets of other settings
(fuzz/session/settings.h), with and without an administrator who interferes.

  python3 fuzz/vary_seeds.py CORPUS FOLDER

Of what comes there, `session_fuzz -merge=1 -use_counters=0 CORPUS FOLDER` keeps what adds to
coverage.
"""

import os
import sys

LIMITS = {'target_max_recv_data_segment_length': 512, 'target_max_burst_length': 1024,
          'target_first_burst_length': 512, 'target_initial_r2t': 1, 'target_immediate_data': 0,
          'target_digests': 0}
WATCHED = {'target_log': 1, 'target_tap': 1}
SETTINGS = {
    **{f'varied_{seed}': {'target_variation': seed} for seed in range(1, 7)},
    'plain': {'target_variation': 2, 'target_plain_text': 1},
    'watched': WATCHED,
    'on_loops': {'target_loops': 3},
    'pinged': {'target_ping_ms': 100, **WATCHED},
    'narrow': {'target_buffer_bytes': 1, 'target_queue_depth': 2},
    'session_narrow': {'target_session_buffer_bytes': 1, 'target_loops': 2},
    'few': {'target_max_logins': 2, 'target_max_sessions': 1},
    'limited': LIMITS,
    'slow_unit': {'target_unit': 1},
    'read_only': {'target_unit': 2},
    'forgetful': {'target_unit': 3},
    'large_blocks': {'target_unit': 4},
    'misaligned': {'target_unit': 5},
    'slow_network': {'network_chunk_bytes': 512, 'network_buffer_bytes': 512, 'network_blocks': 1},
    'permissive': {'target_iser_dialect': 1, 'target_max_outstanding_unexpected_pdus': 2,
                   'target_initiator_recv_data_segment_length': 512},
    'kept': {'target_default_time2retain': 3600, 'target_loops': 2},
}
HOOKS = {
    'stopped': "hook: 'stop' argument { name: 'within_s' number: 2 }",
    'dropped': "hook: 'async_drop_session'",
    'asked_out': "hook: 'async_logout' argument { name: 'within_s' number: 1 }",
}


def lets(settings):
  return ''.join(f'let {{ name: "{name}" number: {number} }}\n'
                 for name, number in settings.items())


def steps_of(text):
  """The pieces of a scenario's text: each begins with a step."""
  return [piece for piece in text.replace('\nstep {', '\0step {').split('\0') if piece.strip()]


def variants(text):
  """(suffix, text) of each."""
  for suffix, settings in SETTINGS.items():
    yield suffix, lets(settings) + text
  steps = [step.rstrip('\n') + '\n' for step in steps_of(text)]
  for suffix, trigger in HOOKS.items():
    hook = f'step {{ trigger {{ {trigger} }} }}\n'
    for place in sorted({len(steps) // 2, len(steps) - 1, len(steps)}):
      yield (f'{suffix}_{place}',
             lets({'target_loops': 2}) + ''.join(steps[:place]) + hook + ''.join(steps[place:]))


def main():
  if len(sys.argv) != 3:
    sys.exit(__doc__)
  corpus, folder = sys.argv[1:]
  os.makedirs(folder, exist_ok=True)
  count = 0
  for name in sorted(os.listdir(corpus)):
    if name.startswith('target_') or '_with_' in name:
      continue
    with open(os.path.join(corpus, name), encoding='utf-8') as file:
      text = file.read()
    base = name.removesuffix('.textproto')
    for suffix, varied in variants(text):
      with open(os.path.join(folder, f'{base}_with_{suffix}.textproto'), 'w',
                encoding='utf-8') as file:
        file.write(varied)
      count += 1
  print(f'{count} variants in {folder}')


if __name__ == '__main__':
  main()
