#!/bin/sh
# Compiles the Java peers against Debian's Netty: build.sh OUTDIR. Does nothing when up to date.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: build.sh OUTDIR" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
out=$1
. "$here/classpath.sh"

if ! command -v javac >/dev/null || ! netty_is_installed; then
    echo "The Java peers need Netty 4.1 and a JDK. On Debian or Ubuntu:" >&2
    echo "    apt-get install libnetty-java default-jdk-headless" >&2
    exit 1
fi

mkdir -p "$out"
# Tests that run side by side build only once.
exec 9>"$out/.lock"
flock 9

stamp=$out/.built
if [ -e "$stamp" ] && [ -z "$(find "$here" "$(netty_jar common)" -type f -newer "$stamp")" ]; then
    exit 0
fi
rm -rf "$out/keepline"
javac --release 17 -Xlint:all -Xlint:-path -Werror -proc:none -cp "$(netty_classpath)" -d "$out" \
    "$here"/src/keepline/peers/*.java
touch "$stamp"
