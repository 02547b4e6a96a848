"""Words and patterns that have no place in the tree."""

import collections
import re

Ban = collections.namedtuple('Ban', 'pattern suffixes folders why')

CODE = ('.cc', '.h', '.py', '.js', '.bzl', '.bazel', '.proto', '.textproto', '.sh')
CPP = ('.cc', '.h')
LIBRARIES = ('base/', 'fabric/', 'target/', 'initiator_sim/', 'conformance/', 'fuzz/')

BANS = [
    # But " # TODO" is a word of the Test Anything Protocol, and no comment of C++.
    Ban(r'(?<! # )\bTODO\b|\bFIXME\b|\bXXX\b', CPP, (),
        'do it, or write down elsewhere that it is left'),
    Ban(r'\bTODO\b|\bFIXME\b|\bXXX\b', tuple(set(CODE) - set(CPP)), (),
        'do it, or write down elsewhere that it is left'),
    Ban(r'\bsleep_for\b|\bsleep_until\b|\bu?sleep\s*\(|\bnanosleep\b', CPP, (),
        'wait for what you wait for: a timer of fabric::Loop, an event'),
    Ban(r'\btime\.sleep\b', ('_test.py',), (), 'wait for what you wait for'),
    Ban(r'(^|[;&|(]|\bdo\b)\s*sleep\s', ('_test.sh',), (), 'wait for what you wait for'),
    Ban(r'\bstd::c(out|err|log)\b|\b(std::)?printf\s*\(', CPP, LIBRARIES,
        'a library returns values; its caller prints'),
    Ban(r'\bDISABLED_|@unittest\.skip', CODE, (), 'a test runs, or is not there'),
    Ban(r'\bflaky\s*=\s*(True|1)', ('.bazel',), (), 'mend the test'),
    Ban(r'["\'\s](/home/|/root/|/work/)', CODE, (), "somebody's own path"),
]


# Allowed where only the kernel decides, as exceptions with the reason; and a build without defects
# (--config=bench) can't test them.
SKIPS = [Ban(r'^(?!.*!kBugsEnabled\)).*\bGTEST_SKIP\b', CPP, (), 'a test runs, or is not there')]


def _problems(tree, bans):
  bans = [(re.compile(ban.pattern), ban) for ban in bans]
  for path in tree.files(*CODE):
    applicable = [(pattern, ban) for pattern, ban in bans if path.endswith(ban.suffixes) and
                  (not ban.folders or path.startswith(ban.folders))]
    for number, line in enumerate(tree.lines(path), 1):
      for pattern, ban in applicable:
        match = pattern.search(line)
        if match:
          yield path, f'{path}:{number}: {match.group().strip()}: {ban.why}'


def check(tree):
  return (tree.excepted('banned', _problems(tree, BANS)) +
          tree.excepted('skip', _problems(tree, SKIPS)))
