"""What Markdown documents promise: commands, options, paths, links, examples.

A check gives a list of problems, each "PATH:LINE: what". Commands are those of ```sh blocks, one a
line. `pushpull` lines are executed, unless they have a <placeholder> or a host of RFC 5737; the
exit code that is due stands in a comment, "# exit 1", else it is 0. "# until Ctrl-C": a server.
"""

import collections
import os
import re
import shlex

Block = collections.namedtuple('Block', 'path line language text')
Command = collections.namedtuple('Command', 'path line text words exit_code runnable server')

EXAMPLE_HOST = re.compile(r'\b(192\.0\.2|198\.51\.100|203\.0\.113)\.\d|<[^>]*>')


def documents(root):
  """The Markdown files of the root folder and of docs/, relative to the root."""
  found = [name for name in os.listdir(root) if name.endswith('.md')]
  for folder, _, names in os.walk(os.path.join(root, 'docs')):
    found += [os.path.relpath(os.path.join(folder, name), root)
              for name in names if name.endswith('.md')]
  return sorted(found)


def read(root, path):
  with open(os.path.join(root, path), encoding='utf-8') as file:
    return file.read()


def split(path, text):
  """The fenced blocks of a document, and its other lines as (number, line)."""
  blocks, prose = [], []
  start = None
  lines = text.splitlines()
  for number, line in enumerate(lines, 1):
    if line.lstrip().startswith('```'):
      if start is None:
        start = number
      else:
        language = lines[start - 1].strip()[3:]
        blocks.append(Block(path, start + 1, language, '\n'.join(lines[start:number - 1]) + '\n'))
        start = None
    elif start is None:
      prose.append((number, line))
  return blocks, prose


def commands(block):
  """The commands of a ```sh block that start with `pushpull` or `tools/`."""
  found = []
  line_number, pending = block.line, ''
  for offset, line in enumerate(block.text.splitlines()):
    if not pending:
      line_number = block.line + offset
    pending += line
    if pending.endswith('\\'):
      pending = pending[:-1]
      continue
    text, pending = pending.strip(), ''
    if not text.startswith(('pushpull ', 'tools/')):
      continue
    code = re.search(r'# exit (\d+)', text)
    found.append(Command(block.path, line_number, text, shlex.split(text, comments=True),
                         int(code.group(1)) if code else 0, not EXAMPLE_HOST.search(text),
                         '# until Ctrl-C' in text))
  return found


def options_of_help(text):
  """The long options that a --help declares."""
  return set(re.findall(r'^\s+(?:-\w,)?(--[a-z][a-z-]*)', text, re.MULTILINE))


def unknown_options(words, known):
  """Of the words of a command, the options that its subcommand doesn't have.

  `known`: {subcommand: options}. None where the subcommand itself is unknown.
  """
  if words[0] == 'pushpull':
    subcommand = words[1] if len(words) > 1 else ''
  else:
    subcommand = 'run'  # tools/run takes its arguments
  if subcommand.startswith('--'):
    return [] if subcommand in ('--help', '--version') else [subcommand]
  if subcommand not in known:
    return None
  # What follows a "--" is another command's.
  own = words[1:words.index('--')] if '--' in words else words[1:]
  given = [word.split('=')[0] for word in own if word.startswith('--')]
  return [option for option in given if option not in known[subcommand] and option != '--help']


def command_problems(command, root, known):
  """What is wrong with a command before it is executed."""
  where = f'{command.path}:{command.line}'
  if command.words[0].startswith('tools/'):
    if not os.access(os.path.join(root, command.words[0]), os.X_OK):
      return [f'{where}: {command.words[0]} is no program']
    if command.words[0] != 'tools/run':
      return []
  unknown = unknown_options(command.words, known)
  if unknown is None:
    return [f'{where}: no such subcommand: {command.text}']
  return [f'{where}: no such option: {option}' for option in unknown]


def inline_option_problems(path, prose, known):
  """Options in `code` within the text: `--out`, `pushpull run --out F`, `tools/run --out F`."""
  every = set().union(*known.values())
  problems = []
  for number, line in prose:
    for span in re.findall(r'`([^`]+)`', line):
      words = span.split()
      if span.startswith('--') and re.match(r'--[a-z]', span) and '=' not in words[0]:
        unknown = [words[0]] if words[0] not in every | {'--help', '--version'} else []
      elif words and words[0] in ('pushpull', 'tools/run'):
        unknown = unknown_options(words, known) if len(words) > 1 else []
        if unknown is None:
          unknown = [words[1]]
      else:
        continue
      problems += [f'{path}:{number}: no such option or subcommand: {one}' for one in unknown]
  return problems


def link_problems(root, path, prose):
  """Relative links that lead nowhere."""
  problems = []
  for number, line in prose:
    for target in re.findall(r'\]\(([^)\s]+)\)', line):
      if re.match(r'[a-z]+:', target) or target.startswith('#'):
        continue
      file = os.path.join(root, os.path.dirname(path), target.split('#')[0])
      if not os.path.exists(file):
        problems.append(f'{path}:{number}: the link leads nowhere: {target}')
  return problems


def path_problems(root, path, prose):
  """Paths in `code` that aren't there, as far as they hold no NAME to be filled in."""
  problems = []
  for number, line in prose:
    for span in re.findall(r'`([A-Za-z0-9_./-]+/[A-Za-z0-9_./-]*)`', line):
      parts = span.rstrip('/').split('/')
      if not os.path.isdir(os.path.join(root, parts[0] or '.')) or not parts[0] or '...' in span:
        continue
      fixed = []
      for part in parts:
        if re.search(r'[A-Z]{2}', part) and not part.startswith(('BUILD', 'README')):
          break
        fixed.append(part)
      if not os.path.exists(os.path.join(root, *fixed)):
        problems.append(f'{path}:{number}: there is no {span}')
  return problems


def enum_values(proto, name):
  body = re.search(r'^enum ' + name + r' \{(.*?)^\}', proto, re.MULTILINE | re.DOTALL).group(1)
  return re.findall(r'^\s*([A-Z][A-Z0-9_]*) = \d+', body, re.MULTILINE)


def oneof_fields(proto, message, oneof):
  flags = re.MULTILINE | re.DOTALL
  body = re.search(r'^message ' + message + r' \{(.*?)^\}', proto, flags).group(1)
  inner = re.search(r'oneof ' + oneof + r' \{(.*?)^  \}', body, flags).group(1)
  return re.findall(r'^\s*\w+ (\w+) = \d+;', inner, re.MULTILINE)


def missing_words(path, text, words):
  """The words that the document doesn't have as words of their own."""
  return [f'{path}: says nothing of {word}' for word in words
          if not re.search(r'\b' + word + r'\b', text)]
