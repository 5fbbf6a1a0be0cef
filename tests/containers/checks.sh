# shellcheck shell=bash
# What the tests of this folder say and count. Sourced, inside of containers too.
passed=0 failed=0

# check SENTENCE COMMAND...: the command says whether the sentence is true; its output is shown where not.
check() {
  local sentence=$1 said=${work-/tmp}/said
  shift
  if "$@" >"$said" 2>&1; then
    echo "ok      $sentence"
    passed=$((passed + 1))
  else
    echo "FAILED  $sentence"
    sed 's/^/        /' "$said" | tail -n 20
    failed=$((failed + 1))
    return 1
  fi
}

# Tries until it is true, for at most so many seconds.
within() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

is() { # GOT EXPECTED
  [[ $1 == "$2" ]] || {
    echo "got: $1"
    echo "expected: $2"
    return 1
  }
}

has() { # TEXT PART
  [[ $1 == *"$2"* ]] || {
    echo "not in it: $2"
    echo "$1"
    return 1
  }
}

# An empty text has nothing, and shows nothing.
has_not() { # TEXT PART
  [[ -n $1 ]] || {
    echo "there is no text"
    return 1
  }
  [[ $1 != *"$2"* ]] || {
    echo "is in it: $2"
    return 1
  }
}

gone() { [[ ! -e $1 ]]; }
fails() { ! "$@"; }

finish() {
  echo "$passed passed, $failed failed"
  ((failed == 0 && passed > 0))
  exit
}
