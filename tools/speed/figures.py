"""Medians and ratios of rounds, and the table that docs/BENCHMARKS.md shows."""

import collections
import csv
import statistics

# One measurement. Rates are commands a second, cpu_us the target's processor time for a command.
Sample = collections.namedtuple('Sample', 'round load target rate megabytes cpu_us')
Spread = collections.namedtuple('Spread', 'median low high')


def spread(values):
  """Median and quartiles: on a machine that does other work the ends say nothing."""
  values = sorted(values)
  if len(values) < 2:
    return Spread(values[0], values[0], values[0])
  low, _, high = statistics.quantiles(values, n=4, method='inclusive')
  return Spread(statistics.median(values), low, high)


def values_of(samples, load, target, field):
  return {sample.round: getattr(sample, field) for sample in samples
          if (sample.load, sample.target) == (load, target)}


def ratio(samples, load, target, other, field):
  """Of `target` to `other`, round by round: what disturbs a round disturbs both."""
  ours = values_of(samples, load, target, field)
  theirs = values_of(samples, load, other, field)
  return spread([ours[number] / theirs[number] for number in ours.keys() & theirs.keys()])


def names(samples, field):
  """In order of their first appearance."""
  return list(dict.fromkeys(getattr(sample, field) for sample in samples))


def write_csv(path, samples):
  with open(path, 'w', encoding='utf-8', newline='') as file:
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(Sample._fields)
    for sample in samples:
      writer.writerow([*sample[:3], f'{sample.rate:.0f}', f'{sample.megabytes:.1f}',
                       f'{sample.cpu_us:.3f}'])


def read_csv(path):
  with open(path, encoding='utf-8', newline='') as file:
    return [Sample(int(row['round']), row['load'], row['target'], float(row['rate']),
                   float(row['megabytes']), float(row['cpu_us'])) for row in csv.DictReader(file)]


def _range(one, digits=2):
  return f'{one.median:.{digits}f} ({one.low:.{digits}f} to {one.high:.{digits}f})'


def table(samples, base):
  """Lines of Markdown: each target beside `base`."""
  others = [name for name in names(samples, 'target') if name != base]
  heads = ['load', f'{base}, commands/s', f'{base}, µs each']
  for name in others:
    heads += [f'{name}: rate / {base}', f'{name}, µs each', f'µs / {base}']
  lines = ['| ' + ' | '.join(heads) + ' |', '|' + '---|' * len(heads)]
  for load in names(samples, 'load'):
    cells = [load]
    cells.append(f'{spread(values_of(samples, load, base, "rate").values()).median:.0f}')
    cells.append(f'{spread(values_of(samples, load, base, "cpu_us").values()).median:.1f}')
    for name in others:
      if not values_of(samples, load, name, 'rate'):
        cells += ['', '', '']
        continue
      cells.append(_range(ratio(samples, load, name, base, 'rate')))
      cells.append(f'{spread(values_of(samples, load, name, "cpu_us").values()).median:.1f}')
      cells.append(_range(ratio(samples, load, name, base, 'cpu_us')))
    lines.append('| ' + ' | '.join(cells) + ' |')
  return lines
