"""Finds the functions of a C++ or Python file, and how long they are."""

import ast
import re

# What hides braces, and what counts.
TOKEN = re.compile(
    r'''(?P<hidden>//[^\n]*|/\*.*?\*/
        |R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"
        |"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')
        |(?P<directive>^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
        |(?P<punctuation>[{};])
        |(?P<newline>\n)
        |(?P<other>[^{};\n"'/R#]+|.)''', re.DOTALL | re.MULTILINE | re.VERBOSE)
SCOPE = re.compile(r'\b(namespace|extern)\b')
TYPE = re.compile(r'^(template\s*<.*>\s*)?(typedef\s+)?(class|struct|union|enum)\b', re.DOTALL)
FUNCTION_END = re.compile(r'(\)|\bconst|\bnoexcept|\boverride|\bfinal|&)\s*$')


def _kind(head):
  """What a brace after `head` opens, outside of functions."""
  if SCOPE.search(head) and '(' not in head:
    return 'scope'
  if TYPE.match(head) and not FUNCTION_END.search(head):
    return 'scope'
  before_parenthesis, parenthesis, _ = _without_template(head).partition('(')
  if not parenthesis:
    return 'data'
  if '=' in before_parenthesis and 'operator' not in before_parenthesis:
    return 'data'
  return 'function'


def _without_template(head):
  """The head without a leading template<...>, whose parameters may have defaults."""
  if not head.startswith('template'):
    return head
  depth = 0
  for i, character in enumerate(head):
    depth += {'<': 1, '>': -1}.get(character, 0)
    if character == '>' and depth == 0:
      return _without_template(head[i + 1:].strip())
  return head


def cpp_functions(text):
  """(first line, lines, first line's text) of each function outside of others."""
  found = []
  stack = []  # (kind, first line of the head, the head)
  line, head, head_line = 1, '', None
  for token in TOKEN.finditer(text):
    matched = token.group()
    if token.lastgroup == 'punctuation':
      if matched == '{':
        inside = any(kind in ('function', 'data') for kind, _, _ in stack)
        kind = 'block' if inside else _kind(head.strip())
        stack.append((kind, head_line or line, head.strip()))
      elif matched == '}' and stack:
        kind, first, signature = stack.pop()
        if kind == 'function':
          found.append((first, line - first + 1, ' '.join(signature.split())))
      head, head_line = '', None
    elif token.lastgroup in ('other', 'newline'):
      head += matched
      if head_line is None and matched.strip() and not _access(head):
        head_line = line
      elif _access(head):
        head, head_line = '', None
    line += matched.count('\n')
  return found


def _access(head):
  return re.fullmatch(r'\s*(public|protected|private)\s*:\s*', head) is not None


def python_functions(text):
  """(first line, lines, name) of each function."""
  return [(node.lineno, node.end_lineno - node.lineno + 1, node.name)
          for node in ast.walk(ast.parse(text))
          if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
