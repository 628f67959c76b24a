#!/bin/sh
# Starts a peer built by build.sh: run.sh OUTDIR EchoPeer|NettyBest|CimPeer ARGUMENTS. JAVA_FLAGS replaces the JVM flags.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: run.sh OUTDIR EchoPeer|NettyBest|CimPeer ARGUMENTS" >&2
    exit 2
fi
. "$(dirname "$0")/classpath.sh"
out=$1
class=$2
shift 2
# exec: the process that the caller started, stops and kills is the JVM itself.
# The flags are a list.
# shellcheck disable=SC2086
exec java ${JAVA_FLAGS--XX:+UseSerialGC -Xshare:auto -XX:TieredStopAtLevel=1} \
    -cp "$out:$(jars_classpath)" "keepline.peers.$class" "$@"
