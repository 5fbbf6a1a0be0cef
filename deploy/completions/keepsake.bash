# bash completion for keepsake
_keepsake() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  COMPREPLY=()
  case $previous in
    -c | --config | -o | --output | --unix-socket | --certificate | --key)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      compopt -o filenames 2>/dev/null
      return
      ;;
    --backend | --listen | --field | --redis | --host | --timeout | --interval) return ;;
  esac
  local words
  if ((COMP_CWORD == 1)); then
    words="run check init keygen inspect health top --help --version"
  else
    case $command in
      run) words="--config --demo --listen --help" ;;
      check) words="--config --help" ;;
      init) words="--backend --listen --field --sign-in --certificate --key --redis --output --force --help" ;;
      inspect) words="--config --host --help -" ;;
      health) words="--unix-socket --timeout --help http://127.0.0.1:9090/healthz" ;;
      top) words="--unix-socket --interval --once --help http://127.0.0.1:9090" ;;
      *) words="--help" ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _keepsake keepsake
