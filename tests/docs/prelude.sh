# Stands before the blocks of a page. BLOCKS names a directory with a folder for each block: its files, the heads of
# the responses that its curl calls got, and the log of the service that it started.
set -Eeuo pipefail
shopt -s inherit_errexit
set -m # A service gets a process group of its own, so that it can be stopped with its children.
declare -A services=()
unset INIT_CWD # `deno task` sets it only where it is not set, and the tests run under a task themselves.

begin() {
  BLOCK=$BLOCKS/$1
  printf '\n── block %s ──\n' "$1" # output.ts knows this line.
  printf '\n── block %s ──\n' "$1" >&2
}

curl() { command curl --max-time 60 --dump-header "$(mktemp "$BLOCK/head.XXXXXX")" "$@"; }

# The pages name a version of Deno; the tests run on the one that runs them.
npx() {
  [ "$1" = -y ] && [[ $2 = deno@* ]] || { echo "npx -y deno@…, not npx $*" >&2; return 1; }
  shift 2
  command deno "$@"
}

# Starts the service of this block, for a caller at this port, and waits until it listens.
service() {
  local port=$1
  if [ -n "${services[$port]:-}" ]; then
    kill -INT -- "-${services[$port]}"
    wait "${services[$port]}" || true
  fi
  : >"$BLOCK/log"
  (eval "$(<"$BLOCK/command")") >>"$BLOCK/log" 2>&1 </dev/null &
  services[$port]=$!
  local tries
  for tries in {1..2400}; do
    if grep -qi 'listening on' "$BLOCK/log"; then return; fi
    if ! kill -0 "${services[$port]}" 2>/dev/null; then break; fi
    sleep 0.05
  done
  cat "$BLOCK/log" >&2
  echo "the service does not listen" >&2
  return 1
}

finish() {
  local pid
  for pid in "${services[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
  wait
}
trap finish EXIT
