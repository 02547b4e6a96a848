"""embed_files: files as a C++ library.

    embed_files(
        name = "embedded_suites",
        srcs = glob(["**/*.textproto"]),
        function = "EmbeddedSuites",
        namespace = "pushpull::conformance",
    )

gives `embedded_suites.h` with

    std::span<const base::EmbeddedFile> EmbeddedSuites();
"""

def embed_files(name, srcs, namespace, function, visibility = None):
    """Declares the library.

    Args:
      name: of the library and of its header.
      srcs: the files, of this package.
      namespace: C++ namespace below pushpull.
      function: the function that gives the files.
      visibility: of the library.
    """
    native.genrule(
        name = name + "_gen",
        srcs = srcs,
        outs = [
            name + ".h",
            name + ".cc",
        ],
        cmd = " ".join([
            "$(location //bazel/embed)",
            "$(location %s.h)" % name,
            "$(location %s.cc)" % name,
            "%s/%s.h" % (native.package_name(), name),
            namespace,
            function,
            "$(SRCS)",
        ]),
        tools = ["//bazel/embed"],
    )
    native.cc_library(
        name = name,
        srcs = [name + ".cc"],
        hdrs = [name + ".h"],
        visibility = visibility,
        deps = ["//base:embedded_file"],
    )
