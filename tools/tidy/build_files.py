"""Reads BUILD.bazel files: Starlark, as they use it, is Python, so they are run with stand-ins."""

import ast
import collections
import os
import re

Rule = collections.namedtuple('Rule', 'kind name line attributes')

BUILD = 'BUILD.bazel'


class Package:
  """The rules of one BUILD.bazel file."""

  def __init__(self, tree, path):
    self.path = path
    self.folder = os.path.dirname(path)
    self.rules = []
    self._tree = tree
    self._files = None
    text = tree.text(path)
    module = ast.parse(text, path)
    environment = {
        name: self._recorder(name) for name in _free_names(module) if name not in dir(__builtins__)
    }
    environment.update(
        glob=self._glob, load=_ignore, package=_ignore, licenses=_ignore, exports_files=_ignore,
        select=lambda cases, **_: [x for values in cases.values() for x in values])
    exec(compile(module, path, 'exec'), environment)  # pylint: disable=exec-used

  def _recorder(self, kind):
    """Stands in for a rule or macro: notes the call."""

    def record(*positional, **attributes):
      line = _calling_line(self.path)
      name = attributes.get('name', positional[0] if positional else '')
      self.rules.append(Rule(kind, name, line, attributes))

    return record

  def own_files(self):
    """The files of this package, from its folder; those of packages below belong to these."""
    if self._files is None:
      below = {os.path.dirname(f) for f in self._tree.files('/' + BUILD) if _under(f, self.folder)}
      below.discard(self.folder)
      self._files = [
          os.path.relpath(f, self.folder or '.') for f in self._tree.files()
          if _under(f, self.folder) and not any(_under(f, b) for b in below)
      ]
    return self._files

  def _glob(self, include, exclude=(), allow_empty=True, **_):
    del allow_empty
    chosen = [f for f in self.own_files() if any(_glob_matches(p, f) for p in include)]
    return [f for f in chosen if not any(_glob_matches(p, f) for p in exclude)]

  def labels(self, rule, *attributes):
    """The strings of a rule's attributes (all but its name and visibility, or those named)."""
    for key, value in rule.attributes.items():
      if key in attributes if attributes else key not in ('name', 'visibility'):
        yield from (s for s in _strings(value))

  def files(self, rule, *attributes):
    """The files, from the tree's root, that a rule's attributes name."""
    for label in self.labels(rule, *attributes):
      if label.startswith('//'):
        folder, _, name = label[2:].partition(':')
        yield os.path.join(folder, name)
      elif not label.startswith('@'):
        yield os.path.normpath(os.path.join(self.folder, label.lstrip(':')))


def packages(tree):
  """All packages of the tree, (Package or None, problem or None) each."""
  for path in tree.files(BUILD):
    if os.path.basename(path) != BUILD:
      continue
    try:
      yield Package(tree, path), None
    except Exception as error:  # pylint: disable=broad-except
      yield None, f'{path}: cannot be read by tools/tidy/build_files.py: {error!r}'


def _ignore(*_, **__):
  pass


def _under(path, folder):
  return not folder or path.startswith(folder + '/')


def _free_names(module):
  return {node.id for node in ast.walk(module)
          if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)} - {
              node.id for node in ast.walk(module)
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _calling_line(path):
  import sys  # pylint: disable=import-outside-toplevel
  frame = sys._getframe(1)  # pylint: disable=protected-access
  while frame and frame.f_code.co_filename != path:
    frame = frame.f_back
  return frame.f_lineno if frame else 0


def _strings(value):
  if isinstance(value, str):
    yield value
  elif isinstance(value, dict):
    for key, item in value.items():
      yield from _strings(key)
      yield from _strings(item)
  elif isinstance(value, (list, tuple)):
    for item in value:
      yield from _strings(item)


def _glob_matches(pattern, path):
  regex = ''
  for part in re.split(r'(\*\*/|\*\*|\*)', pattern):
    regex += {'**/': '(?:.*/)?', '**': '.*', '*': '[^/]*'}.get(part, re.escape(part))
  return re.fullmatch(regex, path) is not None
