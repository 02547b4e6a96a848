#!/bin/bash
# Builds the fuzz targets as OSS-Fuzz, ClusterFuzz and ClusterFuzzLite ask for it, by their
# environment:
#
#   $CXX, $CFLAGS, $CXXFLAGS    the compiler and its flags, with the sanitizer's
#   $LIB_FUZZING_ENGINE         what is linked: -fsanitize=fuzzer, or an archive
#   $OUT                        where everything goes: NAME, NAME_seed_corpus.zip, NAME.dict,
#                               NAME.options, and in lib/ the libraries that a runner may lack
#
#   fuzz/oss_fuzz/build.sh                all fuzz targets
#   fuzz/oss_fuzz/build.sh pdu_fuzz ...   these
#
# A fuzzer finds lib/ beside itself, wherever $OUT is taken to.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
die() {
  echo "build.sh: $*" >&2
  exit 1
}
for name in OUT CXX LIB_FUZZING_ENGINE; do
  [[ -n ${!name:-} ]] || die "\$$name isn't set: the fuzzing service sets it, or you do"
done
cd "$root"

names=("$@")
if ((${#names[@]} == 0)); then
  for source in fuzz/*_fuzz.cc; do
    name=${source#fuzz/}
    names+=("${name%.cc}")
  done
fi

flags=()
for flag in ${CFLAGS:-}; do
  flags+=("--conlyopt=$flag")
done
for flag in ${CXXFLAGS:-}; do
  # The system's Abseil and protobuf are made with libstdc++.
  [[ $flag != -stdlib=libc++ ]] || continue
  flags+=("--cxxopt=$flag" "--linkopt=$flag")
done
targets=()
for name in "${names[@]}"; do
  targets+=("//fuzz:$name" "//fuzz:${name}_package")
done

bazel=${BAZEL:-bazel}
"$bazel" build --config=clusterfuzz "${flags[@]}" \
  "--define=LIB_FUZZING_ENGINE=$LIB_FUZZING_ENGINE" "${targets[@]}" || die "the build failed"
bin=$("$bazel" info --config=clusterfuzz bazel-bin 2>/dev/null)/fuzz

# The C library is the runner's own.
is_of_system() {
  case ${1##*/} in
    libc.so* | libm.so* | libpthread.so* | libdl.so* | librt.so* | libresolv.so* | ld-linux*) ;;
    *) return 1 ;;
  esac
}

mkdir -p "$OUT/lib"
for name in "${names[@]}"; do
  cp -f "$bin/$name" "$bin/dist/$name"[._]* "$OUT/"
  while read -r library; do
    is_of_system "$library" || cp -fL "$library" "$OUT/lib/"
  done < <(ldd "$bin/$name" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }')
done
chmod -R u+w "$OUT"
echo "${#names[@]} fuzz targets in $OUT"
