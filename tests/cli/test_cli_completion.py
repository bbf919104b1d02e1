"""Completion, as the shells themselves do it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Invoke, Program, Terminal, command, surroundings

SHELLS = ("bash", "zsh", "fish")


def need(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")


@pytest.fixture
def bash(jpki: Program) -> Program:
    """Puts a `jpki` on the path, as an installed one is: completion starts it by its name."""
    folder = jpki.home / "bin"
    folder.mkdir()
    script = folder / "jpki"
    script.write_text(f'#!/bin/sh\nexec {" ".join(command())} "$@"\n')
    script.chmod(0o755)
    return jpki


def completed(bash: Program, *words: str, **more: str) -> list[str]:
    """Returns what bash offers for the last of these words after `jpki`, when Tab is pressed."""
    line = " ".join(f"'{word}'" for word in ("jpki", *words))
    program = f"""
eval "$(jpki completion bash)"
COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_TYPE=9
complete -p jpki >/dev/null || exit 9
_jpki_completion jpki
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    env = surroundings(bash.home, **more)
    env["PATH"] = f"{bash.home / 'bin'}:{env['PATH']}"
    done = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, env=env, cwd=bash.home, check=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands(bash: Program) -> None:
    assert completed(bash, "car") == ["card"]
    assert completed(bash, "card", "pin-") == ["pin-status", "pin-change", "pin-reset"]


def test_bash_completes_options(bash: Program) -> None:
    assert completed(bash, "card", "sign", "--known") == ["--known-certificate"]
    assert "--reader" in completed(bash, "card", "info", "--")


def test_bash_completes_values(bash: Program) -> None:
    assert completed(bash, "card", "cert", "ca-") == ["ca-sign", "ca-auth"]
    assert completed(bash, "card", "info", "--profile", "my") == ["mynumber"]
    assert completed(bash, "--lang", "") == ["ja", "en"]


@pytest.fixture
def shell(bash: Program) -> Iterator[Terminal]:
    """A person's bash, in which completion was switched on as the help says."""
    env = surroundings(bash.home, TERM="dumb", PS1="$ ", INPUTRC="/dev/null")
    env["PATH"] = f"{bash.home / 'bin'}:{env['PATH']}"
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], bash.home, env, 100)
    terminal.until(r"\$ $")
    terminal.type('eval "$(jpki completion bash)"')
    terminal.until(r"bash\)\"\n(.*\n)*\$ $")
    yield terminal
    terminal.kill()


def test_tab_completes_what_a_person_types(shell: Terminal) -> None:
    shell.press(b"jpki comp\t")
    shell.until(r"jpki completion $")
    shell.press(b"z\t")
    shell.until(r"jpki completion zsh $")


def test_tab_completes_names_of_files(shell: Terminal, tmp_path: Path) -> None:
    (tmp_path / "unmistakable.jpki").write_text("")
    shell.press(b"jpki emulator info un\t")
    shell.until(r"jpki emulator info unmistakable\.jpki $")


def test_tab_completes_in_zsh_too(bash: Program) -> None:
    need("zsh")
    env = surroundings(bash.home, TERM="dumb", PS1="zsh> ", ZDOTDIR=str(bash.home))
    env["PATH"] = f"{bash.home / 'bin'}:{env['PATH']}"
    terminal = Terminal(["zsh", "-f", "-i"], bash.home, env, 100)
    try:
        terminal.until(r"zsh> ")
        terminal.type('autoload -U compinit; compinit -u -D; eval "$(jpki completion zsh)"; print "switched" "on"')
        terminal.until(r"switched on\n(.*\n)*.*zsh> ")
        terminal.press(b"jpki comp\tfi\t\n")
        terminal.until(r"complete --no-files --command jpki")  # of the script for fish, which that asks for
    finally:
        terminal.kill()


def test_fish_offers_what_fits(bash: Program) -> None:
    need("fish")
    env = surroundings(bash.home)
    env["PATH"] = f"{bash.home / 'bin'}:{env['PATH']}"
    script = 'jpki completion fish | source; complete --do-complete "jpki card pin-"'
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], capture_output=True, text=True, env=env, check=True, timeout=60
    )
    assert sorted(line.split("\t")[0] for line in done.stdout.splitlines()) == ["pin-change", "pin-reset", "pin-status"]


def test_completion_of_readers_is_silent_where_there_is_no_daemon(bash: Program) -> None:
    assert completed(bash, "card", "info", "--reader", "V", PCSCLITE_CSOCK_NAME="/no/such/socket") == []


@pytest.mark.pcsc
@pytest.mark.usefixtures("pcscd")
def test_tab_completes_the_name_of_a_reader_as_it_has_to_be_typed(shell: Terminal) -> None:
    shell.press(b"jpki card info --reader Virt\t")
    shell.until(r"--reader Virt\x07?ual\\ PCD\\ 00\\ 0$")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_script(invoke: Invoke, shell: str) -> None:
    done = invoke("completion", shell)
    assert (done.code, done.told) == (0, "")
    assert "_JPKI_COMPLETE" in done.out


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_is_one_its_shell_can_read(invoke: Invoke, shell: str, tmp_path: Path) -> None:
    need(shell)
    script = tmp_path / "script"
    script.write_text(invoke("completion", shell).out)
    flag = "--no-execute" if shell == "fish" else "-n"
    subprocess.run([shell, flag, str(script)], check=True)


def test_another_shell_is_refused(invoke: Invoke) -> None:
    assert invoke("completion", "tcsh").code == 2


@pytest.mark.parametrize("language", ["ja", "en"])
def test_fish_and_zsh_show_help_in_the_language(jpki: Program, language: str) -> None:
    env = {"_JPKI_COMPLETE": "fish_complete", "COMP_WORDS": "jpki card ", "COMP_CWORD": "", "JPKI_LANG": language}
    shown = jpki(env=env).out
    assert ("カードにコマンド" in shown) is (language == "ja")
    assert "apdu" in shown
