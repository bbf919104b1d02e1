"""`jpki serve`: OCSP and revocation lists over HTTP, until somebody ends it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..authorities import AuthorityChoice, signing_options
from ..catalogue import words
from ..console import say, show_report
from ..frame import command, frame_of, option
from ..moments import now
from ..report import Report
from ..stopping import Stopped

if TYPE_CHECKING:
    from jpki.service import Application, Journal, Tally
    from jpki.terms import Secret

__all__ = ["MARK", "serve"]

MARK = "service.json"
"""The file in the authority's folder by which a running service tells that it lives."""

_MOST_WORKERS = 64


@command("serve")
@option("--host", metavar="ADDRESS", default="127.0.0.1")
@option("--port", type=click.IntRange(0, 65535), default=8080, variant="service")
@option("--workers", type=click.IntRange(1, _MOST_WORKERS), default=1)
@signing_options
@click.pass_context
def serve(context: click.Context, choice: AuthorityChoice, *, host: str, port: int, workers: int) -> None:
    """Answers questions about certificates, and hands out lists; Ctrl-C or SIGTERM ends it in good order."""
    from jpki.service import Journal, Tally, listening_sockets, run_worker, run_workers

    passphrase = choice.asked_passphrase()
    choice.signing_with(passphrase).close()
    sockets = listening_sockets(host, port, workers)
    tally, journal = Tally(workers), Journal(sys.stderr, now)

    def make(worker: int) -> Application:
        return _application(choice, passphrase, journal.for_worker(worker), tally, worker)

    address = _address(host, sockets[0].getsockname()[1])
    facts = {"service": address, "workers": workers}
    show_report(Report("service-running", facts, one_line=True), json=frame_of(context).json)
    journal.note("listening", address=address, workers=workers)
    try:
        if workers == 1:
            run_worker(make(0), sockets[0], tally.of(0))
        else:
            run_workers(sockets, tally, journal, make)
    except (KeyboardInterrupt, Stopped):
        pass  # before it had begun
    journal.note("ended")
    if not frame_of(context).json:
        say(words("prompts", "service.ended"))


def _application(
    choice: AuthorityChoice, passphrase: Secret, journal: Journal, tally: Tally, worker: int
) -> Application:
    from jpki.ca import AuthorityFolder, KeyFolder, OcspResponders
    from jpki.service import Application

    authority = choice.signing_with(passphrase)
    keys = KeyFolder(AuthorityFolder(choice.folder).keys, passphrase, prefix="ocsp-")
    responders = OcspResponders(authority, keys, now())
    for state in responders.states:
        if state.problem is not None:
            journal.fault("responder-not-renewed", state.problem)
    mark = choice.folder / MARK if worker == 0 else None
    return Application(authority.store, responders, journal, tally, now, worker=worker, mark=mark)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
