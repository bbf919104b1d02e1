"""The commands that README and the pages for operators and relying parties print, run in order, in an empty folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import surroundings

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*?)(?:\s+#\s(.*))?$", re.MULTILINE)
EXIT_CODE = re.compile(r"(?:exit code|終了コード) (\d+)")
# What installs, and what this suite and that of the set-up run anyway.
ELSEWHERE = ("./run test", "python3 -m venv ", "pip install ", "PATH=")
SET_UP_ALREADY = {"./run demo": "jpki demo"}
SECRETS = {
    "JPKI_CA_PASSPHRASE": "typed twice",
    "JPKI_SIGN_PIN": "ABC123",
    "JPKI_AUTH_PIN": "1234",
    "JPKI_NEW_AUTH_PIN": "5678",
}


def printed(page: str) -> list[tuple[str, int]]:
    """Returns the commands of a page, each with the exit code that its comment tells, else 0."""
    text = (ROOT / page).read_text("utf-8")
    found = [match.groups(default="") for block in BLOCK.findall(text) for match in COMMAND.finditer(block)]
    codes = [EXIT_CODE.search(comment) for _, comment in found]
    return [
        (SET_UP_ALREADY.get(command, command), int(code[1]) if code is not None else 0)
        for (command, _), code in zip(found, codes, strict=True)
        if not command.startswith(ELSEWHERE)
    ]


def script_of(commands: list[tuple[str, int]]) -> str:
    """Returns a script that runs the commands and stops at the first that ends otherwise than it should."""
    lines = [f'jpki() {{ "{sys.executable}" -m cli "$@"; }}']
    for command, code in commands:
        lines += [command, f"[ $? -eq {code} ] || {{ echo 'NOT AS PRINTED:' {_quoted(command)} >&2; exit 99; }}"]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.mark.parametrize("page", ["README.md", "docs/operator.md", "docs/relying-party.md"])
def test_every_printed_command_does_what_the_page_says(page: str, tmp_path: Path) -> None:
    commands = printed(page)
    assert len(commands) > 8
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", script_of(commands)],
        cwd=home,
        env=surroundings(home, **SECRETS),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_readmes_print_the_same_commands() -> None:
    assert printed("README.md") == printed("README.ja.md")


def test_a_comment_may_tell_the_exit_code() -> None:
    assert COMMAND.findall('$ echo "#1"   # exit code 9\n') == [('echo "#1"', "exit code 9")]
    assert script_of([("false", 1), ("true", 0)]).count("-eq") == 2
