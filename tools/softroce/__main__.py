"""pushpull softroce: runs a command where there is a soft-RoCE device."""

import argparse
import dataclasses
import os
import signal
import sys

import accel
import cache
import guest
import guest_kernel
import here
import siw
from errors import DIED, USAGE, Failure, Unavailable

DESCRIPTION = """\
Runs a command where there is a soft-RoCE device: on this kernel where it has one, else in a guest
that is booted for it, with Debian's kernel or your own. The guest sees this machine's files
read-only under an overlay: what the command writes is gone with it, except below --share. The
command gets PUSHPULL_RDMA_ADDRESS (and PUSHPULL_RDMA_PEER_ADDRESS with --link veth), the addresses
that have a device. Its standard output, standard error and exit status are brought out; standard
input is empty."""

EPILOG = f"""\
Exit status: the command's own; {USAGE} for a wrong use; 77 where there is neither a device nor a
guest (a skip); 124 for a time limit; {DIED} where the guest couldn't boot, died, or its kernel
broke.

Example: pushpull softroce -- sh -c 'ibv_devices; rping -s -a $PUSHPULL_RDMA_ADDRESS -C 10 & \\
             rping -c -a $PUSHPULL_RDMA_ADDRESS -C 10'"""


class Parser(argparse.ArgumentParser):
  """Says what is wrong with the use, and doesn't bury it under all that there is."""

  def error(self, message):
    self.exit(USAGE, f'{self.prog}: {message}\n(pushpull softroce --help shows all options)\n')


def parser():
  made = Parser(prog='pushpull softroce', description=DESCRIPTION, epilog=EPILOG,
                formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
  add = made.add_argument
  add('--kind', choices=('rxe', 'siw'), default='rxe', help='RoCE v2 or iWARP (default: rxe)')
  add('--where', choices=('auto', 'here', 'guest'), default='auto',
      help='this kernel, a guest, or the first that can (default: auto)')
  add('--require-guest', action='store_true', help='where nothing can be run, fail and not skip')
  add('--link', choices=('dummy', 'veth'), default='dummy',
      help='one device, or two at the ends of a link that netem can spoil (guest only)')
  add('--mtu', type=int, default=4200, help="the link's MTU in bytes (default: 4200)")
  add('--share', action='append', default=[], metavar='DIR',
      help='a folder that the command may write to; repeatable')
  add('--disk', action='append', default=[], metavar='FILE',
      help='a file that is a disk of the guest, /dev/vda and so on; repeatable (guest only)')
  add('--kernel', metavar='IMAGE', help='boot this vmlinux or bzImage; needs --modules')
  add('--modules', metavar='DIR', help="the kernel's modules: what holds lib/modules/VERSION")
  add('--append', default='', metavar='WORDS', help='more words for the kernel command line')
  add('--accel', choices=('auto', 'kvm', 'tcg'), default='auto',
      help='hardware virtualisation if it really boots, or emulation (default: auto)')
  add('--memory-mib', type=int, default=2048, help='of the guest (default: 2048)')
  add('--cpus', type=int, default=2, help='of the guest (default: 2)')
  add('--boot-timeout-s', type=float, default=120, help='for the boot (default: 120)')
  add('--timeout-s', type=float, default=600, help='for the command (default: 600)')
  add('--keep-logs', metavar='DIR', default='', help="put the guest's kernel log there: dmesg.txt")
  add('--fail-on-warning', action='store_true', help="a WARNING in the kernel's log fails the run")
  add('--cache', metavar='DIR', default=cache.default_folder(),
      help='for kernels that were fetched (default: %(default)s)')
  add('command', nargs='+', metavar='CMD', help='behind --')
  return made


def check(options, error):
  if bool(options.kernel) != bool(options.modules):
    error('--kernel and --modules go together')
  for name, low, high in (('mtu', 1280, 65535), ('memory_mib', 512, 1 << 20), ('cpus', 1, 64),
                          ('boot_timeout_s', 1, 86400), ('timeout_s', 1, 86400)):
    value = getattr(options, name)
    if not low <= value <= high:
      error(f'--{name.replace("_", "-")} {value:g}: from {low} to {high}')
  for share in options.share:
    if not os.path.isdir(share):
      error(f'--share {share}: no such folder')
  for disk in options.disk:
    if not os.path.isfile(disk):
      error(f'--disk {disk}: no such file')
  if options.where == 'here' and (options.link != 'dummy' or options.kernel or options.disk):
    error('--link veth, --kernel, --modules and --disk need a guest: --where guest')


def run_here(options):
  here.check(options.kind)
  return here.run(options.kind, options.mtu, options.command, options.timeout_s)


def run_in_guest(options):
  folder = os.path.abspath(options.cache)
  if ' ' in folder or ',' in folder:
    raise Failure(USAGE, f'--cache {folder}: no spaces nor commas, for it goes into the kernel '
                  'command line')
  if options.kernel:
    kernel = guest_kernel.own(options.kernel, options.modules)
  else:
    kernel = guest_kernel.debian(folder)
  settings = guest.Settings(
      kind=options.kind, link=options.link, mtu=options.mtu, memory_mib=options.memory_mib,
      cpus=options.cpus, boot_limit_s=options.boot_timeout_s, limit_s=options.timeout_s,
      append=options.append, shares=tuple(map(os.path.abspath, options.share)),
      disks=tuple(map(os.path.abspath, options.disk)),
      keep_logs=options.keep_logs and os.path.abspath(options.keep_logs),
      fail_on_warning=options.fail_on_warning)
  if options.kind == 'siw':
    settings.siw_module = siw.module_for(kernel, folder)
  chosen = options.accel
  if chosen == 'auto':
    chosen = accel.choose(kernel, settings, folder)
  settings = dataclasses.replace(settings, accel=chosen)
  sys.stdout.flush()
  return guest.run(kernel, options.command, settings, folder, {'out': 1, 'err': 2})


def run(options):
  if options.where != 'guest' and options.link == 'dummy' and not (options.kernel or
                                                                           options.disk):
    try:
      return run_here(options)
    except Unavailable:
      if options.where == 'here':
        raise
  return run_in_guest(options)


def main():
  signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
  made = parser()
  options = made.parse_args()
  check(options, made.error)
  try:
    return run(options)
  except Unavailable as failure:
    if options.require_guest:
      print(f'pushpull softroce: {failure}', file=sys.stderr)
      return DIED
    print(f'pushpull softroce: SKIPPED, the command was not run: {failure}', file=sys.stderr)
    return failure.status
  except Failure as failure:
    print(f'pushpull softroce: {failure}', file=sys.stderr)
    return failure.status
  except KeyboardInterrupt:
    return 130


if __name__ == '__main__':
  sys.exit(main())
