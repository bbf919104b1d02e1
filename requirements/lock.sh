#!/bin/sh
# Makes the locked files again, with Python 3.11, the oldest supported, and pip-tools:
#
#     sh requirements/lock.sh [--upgrade]
#
# Nothing of the machine's own pip settings goes into the files: no index, no links, no host.
set -eu
cd "$(dirname "$0")/.."
export CUSTOM_COMPILE_COMMAND="sh requirements/lock.sh"

lock() {
    target=requirements/$1.txt
    shift
    pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
        --no-emit-trusted-host --no-emit-options --output-file "$target" "$@"
}

lock build "$@" requirements/build.in
lock demo "$@" --extra authority --extra cli pyproject.toml requirements/demo.in
lock tests "$@" --extra authority --extra cli --extra card --extra service --extra postgresql --extra hsm \
    --extra ldap pyproject.toml requirements/tests.in
