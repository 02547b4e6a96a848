"""Headers that nearly every file reads, parsed once: most of what clang does is to read them.

Only Debian's headers. They stand in the command line, and the file that is compiled says nothing,
so that the result is the same in every clone, and comes from the disk cache. A file that forgets to
include one of them compiles all the same: builds without it (--config=gcc in CI, and everyday ones)
find that.
"""

_HEADERS = [
    "algorithm",
    "array",
    "atomic",
    "cerrno",
    "cstddef",
    "cstdint",
    "cstdio",
    "cstdlib",
    "cstring",
    "deque",
    "fstream",
    "functional",
    "iterator",
    "map",
    "memory",
    "mutex",
    "optional",
    "set",
    "span",
    "string",
    "string_view",
    "sys/uio.h",
    "thread",
    "tuple",
    "unistd.h",
    "utility",
    "variant",
    "vector",
    "absl/container/flat_hash_map.h",
    "absl/container/inlined_vector.h",
    "absl/functional/any_invocable.h",
    "absl/functional/function_ref.h",
    "absl/status/status.h",
    "absl/status/statusor.h",
    "absl/strings/escaping.h",
    "absl/strings/numbers.h",
    "absl/strings/str_cat.h",
    "absl/strings/str_format.h",
    "absl/strings/str_join.h",
    "absl/strings/str_split.h",
    "absl/time/time.h",
    "google/protobuf/extension_set.h",
    "google/protobuf/generated_enum_reflection.h",
    "google/protobuf/generated_message_reflection.h",
    "google/protobuf/generated_message_util.h",
    "google/protobuf/map_entry.h",
    "google/protobuf/map_field_inl.h",
    "google/protobuf/message.h",
    "google/protobuf/repeated_field.h",
    "google/protobuf/text_format.h",
    "google/protobuf/unknown_field_set.h",
    "gmock/gmock.h",
    "gtest/gtest.h",
]

# What is compiled needs a name that is the same everywhere: a header that only defines macros which
# the compiler has read anyway.
_MAIN = "/usr/include/stdc-predef.h"

_GTEST = "/usr/src/googletest/"
_GTEST_FLAGS = [
    "-isystem",
    _GTEST + "googletest/include",
    "-isystem",
    _GTEST + "googlemock/include",
]

def _precompiled_header_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".pch")
    arguments = ctx.actions.args()
    arguments.add_all(ctx.attr.flags)
    arguments.add_all(_GTEST_FLAGS)
    arguments.add_all(_HEADERS, before_each = "-include")
    arguments.add_all(["-Xclang", "-fno-pch-timestamp", "-fpch-instantiate-templates"])
    arguments.add_all(["-w", "-x", "c++-header", _MAIN, "-o", out])
    ctx.actions.run(
        arguments = [arguments],
        executable = ctx.attr.compiler,
        inputs = ctx.files.stamps,
        mnemonic = "PrecompiledHeader",
        outputs = [out],
        progress_message = "Precompiling " + out.short_path,
    )
    return [DefaultInfo(files = depset([out]))]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "compiler": attr.string(mandatory = True),
        "flags": attr.string_list(
            mandatory = True,
            doc = "As the files that use it are compiled with; clang refuses what differs.",
        ),
        "stamps": attr.label_list(
            allow_files = True,
            doc = "Files that change when the headers do.",
        ),
    },
)
