"""The buildifier that tools/install fetched, as @buildifier//:buildifier."""

_SCRIPT = """#!/bin/sh
if ! test -x '{path}'; then
  echo '{path} is missing: run tools/install' >&2
  exit 1
fi
exec '{path}' "$@"
"""

def _buildifier_repository_impl(ctx):
    environ = ctx.os.environ
    cache = environ.get("XDG_CACHE_HOME") or environ.get("HOME", "") + "/.cache"

    # A script, for the program may be installed after this has run.
    ctx.file("buildifier", _SCRIPT.format(path = cache + "/pushpull/buildifier/buildifier"))
    ctx.file("BUILD.bazel", "exports_files([\"buildifier\"])\n", executable = False)

buildifier_repository = repository_rule(
    implementation = _buildifier_repository_impl,
    environ = [
        "HOME",
        "XDG_CACHE_HOME",
    ],
    local = True,
)
