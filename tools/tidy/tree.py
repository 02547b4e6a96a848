"""The source tree that the checks look at, and the exceptions from them.

A check is a function from a Tree to a list of problems, each "PATH:LINE: what" or "PATH: what".
"""

import fnmatch
import os

SKIPPED_FOLDERS = {'.git', 'fuzz-artifacts', 'node_modules', 'pushpull-results'}


class Tree:
  """The files under a root. Paths are relative to it, with '/'."""

  def __init__(self, root):
    self.root = root
    self._files = None
    self._exceptions = None

  def files(self, *suffixes):
    """All files, or those with one of the suffixes, sorted."""
    if self._files is None:
      self._files = sorted(self._walk())
    return [f for f in self._files if f.endswith(suffixes)] if suffixes else self._files

  def _walk(self):
    for folder, folders, names in os.walk(self.root):  # does not follow links such as bazel-bin
      folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
      for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
          yield os.path.relpath(path, self.root)

  def absolute(self, path):
    return os.path.join(self.root, path)

  def text(self, path):
    with open(self.absolute(path), encoding='utf-8', errors='replace') as file:
      return file.read()

  def lines(self, path):
    return self.text(path).splitlines()

  def is_script(self, path):
    """Whether the file has no suffix and starts with #!."""
    if '.' in os.path.basename(path):
      return False
    with open(self.absolute(path), 'rb') as file:
      return file.read(2) == b'#!'

  def excepted(self, check, problems):
    """The problems, (path, text) each, without those that tools/tidy/exceptions.txt allows.

    An exception that excepts nothing is a problem too.
    """
    if self._exceptions is None:
      self._exceptions = _read_exceptions(self)
    rows = [row for row in self._exceptions if row[0] == check]
    used = set()
    left = []
    for path, text in problems:
      matching = {row for row in rows if fnmatch.fnmatch(path, row[1])}
      used |= matching
      if not matching:
        left.append(text)
    for _, pattern, line in sorted(set(rows) - used, key=lambda row: row[2]):
      left.append(f'{EXCEPTIONS}:{line}: nothing needs this exception for {pattern} any more')
    return left


EXCEPTIONS = 'tools/tidy/exceptions.txt'


def _read_exceptions(tree):
  """(check, path pattern, line number) of each row "CHECK PATTERN  # reason"."""
  if EXCEPTIONS not in tree.files():
    return []
  rows = []
  for number, line in enumerate(tree.lines(EXCEPTIONS), 1):
    if not line.strip() or line.startswith('#'):
      continue
    row, _, reason = line.partition('#')
    if len(row.split()) != 2 or not reason.strip():
      raise ValueError(f'{EXCEPTIONS}:{number}: not "CHECK PATTERN  # reason"')
    rows.append((*row.split(), number))
  return rows


def real():
  """The tree that a test was started from: where its README.md, a runfile, leads to."""
  readme = os.path.join(os.environ['TEST_SRCDIR'], os.environ['TEST_WORKSPACE'], 'README.md')
  return Tree(os.path.dirname(os.path.realpath(readme)))


def write(root, files):
  """Writes a small tree, {path: text}, for a test. Returns it."""
  for path, text in files.items():
    absolute = os.path.join(root, path)
    os.makedirs(os.path.dirname(absolute), exist_ok=True)
    with open(absolute, 'w', encoding='utf-8') as file:
      file.write(text)
  return Tree(root)


def expect_tidy(test, problems):
  """Fails the unittest if there are problems, and shows them."""
  if problems:
    test.fail(f'{len(problems)} problems\n' + '\n'.join(problems))
