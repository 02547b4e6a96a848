#!/usr/bin/env python3
"""Runs every check of this folder over the clone, as the tests do, and prints what they find."""

import os
import sys

import banned
import formatting
import layers
import limits
import registered
import requirements
import tree as trees


def main():
  here = os.path.dirname(os.path.abspath(__file__))
  tree = trees.Tree(os.path.dirname(os.path.dirname(here)))
  problems = [problem for module in (layers, registered, requirements, limits, banned, formatting)
              for problem in module.check(tree)]
  print('\n'.join(problems) or 'tidy')
  sys.exit(1 if problems else 0)


if __name__ == '__main__':
  main()
