"""Two small plots as SVG: bars by group, and lines over a logarithmic axis."""

import math
from xml.sax import saxutils

COLOURS = ('#8c8c8c', '#1f77b4', '#2ca02c', '#ff7f0e', '#d62728', '#9467bd')
FONT = 'font-family="sans-serif" font-size="11"'
LEFT, TOP, PLOT, LINE = 210, 46, 420, 14


def _text(x, y, words, anchor='start'):
  return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{saxutils.escape(words)}</text>'


def _document(width, height, parts):
  head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
          f'viewBox="0 0 {width} {height}" {FONT}>')
  return '\n'.join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *parts,
                    '</svg>', ''])


def _legend(series, y):
  parts, x = [], LEFT
  for number, name in enumerate(series):
    parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" '
                 f'fill="{COLOURS[number % len(COLOURS)]}"/>')
    parts.append(_text(x + 14, y, name))
    x += 30 + 7 * len(name)
  return parts


def bars(title, groups, series, unit):
  """`groups`: [(name, [(value, low, high) or None for each of `series`])]. A line stands at 1."""
  top = max(one[2] for _, values in groups for one in values if one) * 1.05
  step = next(step for step in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 1e9) if top / step <= 9)
  bottom = TOP + sum(LINE * (len(series) + 1) for _ in groups)
  parts = [_text(LEFT, 16, title), *_legend(series, 34)]
  for number in range(int(top / step) + 1):
    x = LEFT + PLOT * number * step / top
    parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
    parts.append(_text(x, bottom + 14, f'{number * step:g}', 'middle'))
  y = TOP
  for name, values in groups:
    parts.append(_text(LEFT - 8, y + LINE * (len(series) + 1) / 2 + 3, name, 'end'))
    y += LINE / 2
    for number, one in enumerate(values):
      if one:
        width = PLOT * one[0] / top
        parts.append(f'<rect x="{LEFT}" y="{y + 1:.1f}" width="{width:.1f}" height="{LINE - 3}" '
                     f'fill="{COLOURS[number % len(COLOURS)]}"/>')
        parts.append(f'<line x1="{LEFT + PLOT * one[1] / top:.1f}" y1="{y + LINE / 2:.1f}" '
                     f'x2="{LEFT + PLOT * one[2] / top:.1f}" y2="{y + LINE / 2:.1f}" '
                     'stroke="black"/>')
      y += LINE
    y += LINE / 2
  x = LEFT + PLOT / top
  parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="black"/>')
  parts.append(_text(LEFT + PLOT, bottom + 30, unit, 'end'))
  return _document(LEFT + PLOT + 40, bottom + 40, parts)


def lines(title, series, x_name, y_name):
  """`series`: {name: [(x, y)]}, x above 0, on a logarithmic axis; y from 0."""
  left, height = 70, 240
  points = [point for one in series.values() for point in one]
  first, last = min(x for x, _ in points), max(x for x, _ in points)
  top = max(y for _, y in points) * 1.1 or 1
  span = math.log(last / first) or 1

  def place(x, y):
    return left + PLOT * math.log(x / first) / span, TOP + height * (1 - y / top)

  parts = [_text(left, 16, title)]
  for number in range(5):
    y = TOP + height * number / 4
    parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + PLOT}" y2="{y:.1f}" stroke="#ddd"/>')
    parts.append(_text(left - 6, y + 4, f'{top * (1 - number / 4):.3g}', 'end'))
  for x in sorted({x for x, _ in points}):
    parts.append(_text(place(x, 0)[0], TOP + height + 16, f'{x:g}', 'middle'))
  for number, (name, one) in enumerate(series.items()):
    colour = COLOURS[(number + 1) % len(COLOURS)]
    path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in (place(*point) for point in one))
    parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for x, y in (place(*point) for point in one):
      parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
    parts.append(f'<rect x="{left + 170 * number}" y="25" width="10" height="10" '
                 f'fill="{colour}"/>')
    parts.append(_text(left + 14 + 170 * number, 34, name))
  parts.append(_text(left + PLOT, TOP + height + 34, x_name, 'end'))
  parts.append(_text(left, TOP + height + 34, y_name))
  return _document(left + PLOT + 30, TOP + height + 46, parts)
