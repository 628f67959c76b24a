# The shell of a page: runs the steps that are asked for, one after the other, so that each has what the last one left.
set -E -o pipefail
page=$PWD
ip link set lo up
mkfifo ask answer
exec 3<>ask 4<>answer

# A page for who has the sources, on a machine with the binary alone.
cargo() {
    shift
    while [[ ${1-} == --release || ${1-} == -- ]]; do shift; done
    keepline "$@"
}

# What is never the same twice: times, drawn names and the numbers of messages stand in the pages as samples.
samples() {
    sed -E -e 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/2026-01-31T14:03:22Z/g' \
        -e 's/\b[0-9a-f]{32}\b/00112233445566778899aabbccddeeff/g' \
        -e 's/\b(cli|sub|chat)-[0-9a-f]{16}\b/\1-0123456789abcdef/g' \
        -e 's/"at_ms":[0-9]{13}/"at_ms":1769868202000/g' \
        -e "s|$page/home|/home/you|g" "$1"
}

# Leaves it running, and waits until it has said the word that its step is named for.
leave_running() {
    local word=${1#*:} said=$page/$1.said
    : >"$said"
    eval "$(<"$page/steps/$1")" >>"$said" 2>&1 </dev/null &
    local by=$((SECONDS + 30))
    until grep -q "${word//_/ }" "$said"; do
        if ! kill -0 $! 2>/dev/null; then
            cat "$said"
            wait $!
            return
        fi
        ((SECONDS < by)) || return 124
        sleep 0.05
    done
    cat "$said"
}

echo ready
cd "$HOME"
trap ': "${page_failed:=$BASH_COMMAND}"' ERR
# Ends by itself, and all with it, if the test is not there to end it.
while read -r -t 300 -u 3 page_step; do
    page_failed=
    case $page_step in
        *:*) leave_running "$page_step" >"$page/all" 2>&1 ;;
        *) eval "$(<"$page/steps/$page_step")" >"$page/all" 2>&1 </dev/null ;;
    esac
    page_code=$?
    # A script fails with the first of its commands that does, and says nothing if none does.
    if [[ $page_step == *.sh* ]]; then
        if [[ $page_failed ]]; then
            page_code=1
            echo "failed: $page_failed" >>"$page/all"
        else
            page_code=0
            : >"$page/all"
        fi
    fi
    samples "$page/all" >"$page/said"
    echo "$page_code" >&4
done
