"""The compiler that the environment names, for those who bring their own: fuzzing services."""

_BUILD = """load("@pushpull//toolchains:debian_cc.bzl", "any_clang")

package(default_visibility = ["//visibility:public"])

any_clang(
    name = "clang",
    archiver = "{archiver}",
    compiler_path = "{compiler}",
    headers = "{headers}",
)
"""

def _program(repository_ctx, *names):
    for name in names:
        found = repository_ctx.path(name) if name.startswith("/") else repository_ctx.which(name)
        if found:
            return str(found)
    return "/usr/bin/false"  # who uses it is told then

def _impl(repository_ctx):
    compiler = _program(repository_ctx, repository_ctx.os.environ.get("CXX", "clang++"))
    headers = repository_ctx.execute([compiler, "-print-resource-dir"])
    repository_ctx.file("BUILD.bazel", _BUILD.format(
        archiver = _program(repository_ctx, "llvm-ar", "ar"),
        compiler = compiler,
        headers = headers.stdout.strip() if headers.return_code == 0 else "/usr/lib/clang",
    ))

environment_cc_repository = repository_rule(
    implementation = _impl,
    doc = ":clang, a toolchain of $CXX.",
    environ = [
        "CXX",
        "PATH",
    ],
)
