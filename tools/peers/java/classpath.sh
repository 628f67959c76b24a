# Where Debian's libnetty-java puts what the peers use; sourced by build.sh and run.sh.

netty_jar() {
    echo "/usr/share/java/netty-$1.jar"
}

netty_parts="buffer codec common handler resolver transport transport-native-epoll transport-native-unix-common"

netty_is_installed() {
    for part in $netty_parts; do
        [ -e "$(netty_jar "$part")" ] || return 1
    done
}

netty_classpath() {
    joined=
    for part in $netty_parts; do
        joined=$joined${joined:+:}$(netty_jar "$part")
    done
    echo "$joined"
}
