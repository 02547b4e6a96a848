# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside this one: where things are, and how Bazel is called.

# The clone, wherever it lies.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# Bazel and npm want a home that they can write to.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
fi
if [[ -z $HOME || ! -w $HOME ]]; then
  HOME=${TMPDIR:-/tmp}/pushpull-home-$(id -u)
  mkdir -p "$HOME"
  [[ -O $HOME ]] || die "$HOME belongs to somebody else: set HOME to a folder of yours"
  say "the home folder can't be written to: using $HOME"
fi
export HOME

# What every clone of this user shares.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pushpull

# Debian's, not another version that happens to come first in PATH.
bazel=${BAZEL:-/usr/bin/bazel}

# Flags of every build that a script starts; CI's log is no terminal.
bazel_flags=("--disk_cache=$cache/bazel-disk")
if [[ ! -t 2 || -n ${CI:-} ]]; then
  bazel_flags+=(--noshow_progress --color=no)
fi

# Where the kernel lets nobody make a namespace (in a chroot, in many containers) Bazel falls back
# to a sandbox that shows an action the inputs that it names, but hides no other file, and that
# gives a test no loopback interface of its own (harmless: the kernel chooses ports).
check_sandbox() {
  local sandbox=/usr/share/bazel/linux-sandbox
  if [[ -x $sandbox ]] && ! "$sandbox" -N -- /bin/true 2>/dev/null; then
    say "NOTE: no namespaces here: actions see all files, tests share the machine's loopback"
  fi
}

# Bazel never takes anything out of its disk cache: what nobody read for two weeks goes.
trim_cache() {
  if [[ -d $cache/bazel-disk ]]; then
    find "$cache/bazel-disk" -type f -atime +14 -delete || true
  fi
}
