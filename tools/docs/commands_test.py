"""The documentation's commands do what it says, and what it refers to is there."""

import contextlib
import os
import re
import subprocess
import unittest

from tools.docs import documents
from tools.peers import harness

SUBCOMMANDS = ('admin', 'run', 'convert', 'diff', 'fuzz', 'initiator', 'lint', 'list', 'load',
               'minimize', 'replay', 'report', 'softroce', 'target')
# Of `pushpull admin`: together they have all of its options.
ADMIN_VERBS = ('logout', 'stop')
LIMIT_S = 60


def root():
  return os.path.dirname(os.path.realpath(harness.data_file('README.md')))


def options():
  """{subcommand: options}, as the program itself says."""
  known = {name: documents.options_of_help(harness.run_pushpull(name, '--help'))
           for name in SUBCOMMANDS}
  for verb in ADMIN_VERBS:
    known['admin'] |= documents.options_of_help(
        harness.run_pushpull('admin', '--socket', 'none', verb, '--help'))
  return known


def make_secrets(folder):
  """Those of docs/TARGET.md."""
  for name in ('secret', 'own_secret'):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as file:
      file.write(f'the {name} of the documents\n')
    os.chmod(path, 0o600)


def serve(words, folder):
  """Starts a server in `folder`, sees that it is ready, ends it. Its exit code."""
  words = [word.replace(':3260', ':0') for word in words]
  with harness.process(harness.pushpull_binary(), *words[1:], stdout=subprocess.PIPE,
                       text=True, cwd=folder) as child:
    line = harness.read_line(child)
    child.terminate()
    code = child.wait(timeout=LIMIT_S)
  return code if line.startswith('ready ') else line


@contextlib.contextmanager
def administered(words, folder):
  """A target for `pushpull admin`, at the socket that it names."""
  if words[1] != 'admin':
    yield
    return
  with harness.process(harness.pushpull_binary(), 'target', '--lun', 'ram:1M', '--listen',
                       'tcp://127.0.0.1:0', '--admin-socket', words[words.index('--socket') + 1],
                       stdout=subprocess.PIPE, text=True, cwd=folder) as child:
    harness.read_line(child)
    yield


def execute(command, folder):
  """The problems of a runnable `pushpull` line, run in `folder`."""
  with administered(command.words, folder):
    return execute_alone(command, folder)


def execute_alone(command, folder):
  if command.server:
    code, output = serve(command.words, folder), ''
  else:
    done = subprocess.run([harness.pushpull_binary(), *command.words[1:]], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', timeout=LIMIT_S, stdin=subprocess.DEVNULL, check=False)
    code, output = done.returncode, done.stdout
  if code == command.exit_code:
    return []
  return [f'{command.path}:{command.line}: exit code {code}, due is {command.exit_code}: '
          f'{command.text}\n{output[-2000:]}']


def write(name, text):
  path = os.path.join(harness.scratch(), name)
  os.makedirs(os.path.dirname(path), exist_ok=True)
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)
  return path


def pushpull_problems(block, due, *arguments):
  done = subprocess.run([harness.pushpull_binary(), 'run', *arguments], stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
  if done.returncode == due:
    return []
  return [f'{block.path}:{block.line}: exit code {done.returncode}, due is {due}\n{done.stdout}']


def example_problems(block):
  """A ```textproto block.

  A whole scenario is played, a target's configuration is served, parts of a scenario and profiles
  must parse.
  """
  if re.search(r'^lun \{', block.text, re.MULTILINE):
    config = write('target.textproto', re.sub(r'("tcp://.*):\d+"', r'\1:0"', block.text))
    try:
      make_secrets(os.path.dirname(config))
      code = serve(['pushpull', 'target', '--config', config], os.path.dirname(config))
    except AssertionError as error:
      code = error
    return [] if code == 0 else [f'{block.path}:{block.line}: the target ends: {code}']
  if re.search(r'^target:', block.text, re.MULTILINE):
    profile = write('profile.textproto', block.text)
    return pushpull_problems(block, 0, '--only', 'sanity/alive', '--profile', profile)
  case_id = re.search(r'^id: "(.*)"', block.text, re.MULTILINE)
  if case_id:
    file = write(f'{case_id.group(1)}.textproto', block.text)
    suites = file[:-len(f'/{case_id.group(1)}.textproto')]
    return pushpull_problems(block, 0, '--suites', suites, '--target', 'embedded-sim:')
  file = write('a/part.textproto', 'id: "a/part"\n' + block.text)
  return pushpull_problems(block, 4, '--suites', os.path.dirname(os.path.dirname(file)), '--only',
                           'no/such')


def check_document(folder, path, known):
  """All problems of one document but its lists."""
  blocks, prose = documents.split(path, documents.read(folder, path))
  scratch = harness.scratch()  # a document's commands may go on with what those before them wrote
  os.symlink(os.path.join(folder, 'corpus'), os.path.join(scratch, 'corpus'))
  make_secrets(scratch)
  problems = (documents.link_problems(folder, path, prose) +
              documents.path_problems(folder, path, prose) +
              documents.inline_option_problems(path, prose, known))
  for block in blocks:
    if block.language == 'textproto':
      problems += example_problems(block)
    if block.language != 'sh':
      continue
    for command in documents.commands(block):
      found = documents.command_problems(command, folder, known)
      if not found and command.runnable and command.words[0] == 'pushpull':
        found = execute(command, scratch)
      problems += found
  return problems


class CommandsTest(unittest.TestCase):

  def test_the_documents_tell_the_truth(self):
    known = options()
    problems = []
    for path in documents.documents(root()):
      problems += check_document(root(), path, known)
    self.assertFalse(problems, '\n' + '\n'.join(problems))

  def test_the_lists_are_whole(self):
    proto = documents.read(root(), 'proto/pushpull/v1/scenario.proto')
    misbehaviours = documents.enum_values(proto, 'Misbehaviour')
    actions = documents.oneof_fields(proto, 'Step', 'action')
    self.assertIn('ISER_TOO_MANY_UNEXPECTED', misbehaviours)
    self.assertIn('disconnect', actions)
    guide = documents.read(root(), 'docs/SCENARIOS.md')
    steps = '\n'.join(re.findall(r'^step \{.*', guide, re.MULTILINE))
    problems = documents.missing_words('docs/SCENARIOS.md', guide, misbehaviours)
    problems += documents.missing_words('docs/SCENARIOS.md', steps, actions)
    self.assertFalse(problems, '\n' + '\n'.join(problems))

  def test_commands_are_found_and_run(self):
    self.assertTrue(os.path.exists(os.path.join(root(), 'docs/SCENARIOS.md')))
    blocks, _ = documents.split('README.md', documents.read(root(), 'README.md'))
    found = [command for block in blocks for command in documents.commands(block)]
    self.assertGreaterEqual(sum(command.runnable for command in found), 6)


BAD = """
[here](no/such.md), `tools/no_such.py`, `--no-such`, `pushpull run --neither`, `pushpull dance`

```sh
pushpull run --only no/such_case
pushpull run --only no/such_case  # exit 4
pushpull run --only read/underflow --bug residual_count_wrong
pushpull run --target tcp://192.0.2.1 --nothing-of-it
pushpull run --target tcp://192.0.2.1 \\
    --out results
tools/no_such_tool
```

```textproto
step { loginn {} }
```

```textproto
step { login {} }
```

```textproto
target: "t"
expect { id: "read/underflow" }
```

```textproto
lun { spec: "ram:1" }
```

```textproto
id: "a/b"
title: "No target does this"
step { login { expect { status: 0x0207 } } }
```
"""


class BadSampleTest(unittest.TestCase):

  def test_each_fault_is_found(self):
    folder = os.path.dirname(write('BAD.md', BAD))
    os.mkdir(os.path.join(folder, 'tools'))
    problems = check_document(folder, 'BAD.md', options())
    wheres = [problem.split(': ')[0] for problem in problems]
    self.assertEqual(wheres, ['BAD.md:2'] * 5 + [
        'BAD.md:5',  # ends with 4
        'BAD.md:7',  # ends with 1
        'BAD.md:8',  # --nothing-of-it
        'BAD.md:11',  # tools/no_such_tool
        'BAD.md:15',  # loginn
        'BAD.md:23',  # no reason
        'BAD.md:28',  # no multiple of 512
        'BAD.md:32',  # fails
    ], '\n'.join(problems))

  def test_what_a_list_lacks_is_found(self):
    proto = ('enum E {\n  A_B = 0;  // one\n  A = 1;\n}\n'
             'message M {\n  string s = 1;\n  oneof o {\n    T t = 2;\n    // two\n    U u = 3;\n'
             '  }\n  V v = 4;\n}\n')
    self.assertEqual(documents.enum_values(proto, 'E'), ['A_B', 'A'])
    self.assertEqual(documents.oneof_fields(proto, 'M', 'o'), ['t', 'u'])
    self.assertEqual(documents.missing_words('p', 'only A_B', ['A_B', 'A']),
                     ['p: says nothing of A'])


if __name__ == '__main__':
  unittest.main()
