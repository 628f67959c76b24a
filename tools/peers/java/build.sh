#!/bin/sh
# Compiles the Java peers against Debian's packages: build.sh OUTDIR. Does nothing when up to date.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: build.sh OUTDIR" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
protos=$here/../../../crates/keepline-proto/proto
out=$1
. "$here/classpath.sh"

if ! command -v javac >/dev/null || ! command -v protoc >/dev/null || ! jars_are_installed; then
    echo "The Java peers need a JDK, Netty 4.1, protobuf, OkHttp and Jackson. On Debian or Ubuntu:" >&2
    echo "    apt-get install default-jdk-headless libnetty-java protobuf-compiler libprotobuf-java \\" >&2
    echo "        libokhttp-java libjackson2-databind-java" >&2
    exit 1
fi

mkdir -p "$out"
# Tests that run side by side build only once.
exec 9>"$out/.lock"
flock 9

stamp=$out/.built
if [ -e "$stamp" ] &&
    [ -z "$(find "$here" "$protos/cim.proto" "$(jar netty-common)" "$(jar protobuf)" -type f -newer "$stamp")" ]; then
    exit 0
fi
rm -rf "$out/keepline" "$out/generated"
mkdir "$out/generated"
protoc --proto_path="$protos" --proto_path="$here/proto" --java_out="$out/generated" cim.proto cim1.proto
# What protoc writes has warnings, which are not ours.
javac --release 17 -Xlint:none -nowarn -proc:none -cp "$(jars_classpath)" -d "$out" "$out"/generated/keepline/*/*.java
javac --release 17 -Xlint:all -Xlint:-path -Xlint:-classfile -Werror -proc:none -cp "$out:$(jars_classpath)" -d "$out" \
    "$here"/src/keepline/peers/*.java "$here"/src/keepline/peers/*/*.java
touch "$stamp"
