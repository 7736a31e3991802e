# Finding Pythons. A name on the path is not enough: version managers leave names there that do not run.

# python_at VERSION: print a Python of that minor version ("3.13"), or fail.
python_at() {
    local python full
    if python=$("python$1" -c 'import sys; print(sys.executable)' 2>/dev/null); then
        echo "$python"
        return
    fi
    full=$(pyenv versions --bare 2>/dev/null | grep -E "^${1//./\\.}\.[0-9]+$" | sort -V | tail -n 1) || return 1
    python="$(pyenv prefix "$full" 2>/dev/null)/bin/python" || return 1
    "$python" -c 'import sys; print(sys.executable)' 2>/dev/null
}

# any_python: print the first Python on this machine that is new enough, or fail.
any_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

# in_environment FOLDER COMMAND: run a command line as a person would in that activated environment.
in_environment() {
    VIRTUAL_ENV="$1" PATH="$1/bin:$PATH" bash -euo pipefail -c "$2"
}
