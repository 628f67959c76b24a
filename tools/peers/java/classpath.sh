# Where Debian's packages put what the peers use; sourced by build.sh and run.sh.

jar() {
    echo "/usr/share/java/$1.jar"
}

# Of Netty the parts, not netty-all, which is empty.
jars="netty-buffer netty-codec netty-common netty-handler netty-resolver netty-transport netty-transport-native-epoll
netty-transport-native-unix-common protobuf okhttp okio jackson-annotations jackson-core jackson-databind"

jars_are_installed() {
    for name in $jars; do
        [ -e "$(jar "$name")" ] || return 1
    done
}

jars_classpath() {
    joined=
    for name in $jars; do
        joined=$joined${joined:+:}$(jar "$name")
    done
    echo "$joined"
}
